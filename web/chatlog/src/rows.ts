/** Which rows of a long list are near the window; heights are estimated until they are measured. */

export interface Rows {
  readonly total: number
  offsetOf: (index: number) => number
  /** First row that reaches below `offset`. */
  indexAt: (offset: number) => number
}

export function layOut(keys: readonly string[], heights: ReadonlyMap<string, number>, estimate: number): Rows {
  const offsets = new Float64Array(keys.length + 1)
  for (let at = 0; at < keys.length; at += 1) {
    offsets[at + 1] = offsets[at]! + (heights.get(keys[at]!) ?? estimate)
  }
  return {
    total: offsets[keys.length]!,
    offsetOf: (index) => offsets[Math.max(0, Math.min(index, keys.length))]!,
    indexAt: (offset) => {
      let low = 0
      let high = keys.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (offsets[middle + 1]! > offset) high = middle
        else low = middle + 1
      }
      return Math.min(low, Math.max(0, keys.length - 1))
    },
  }
}
