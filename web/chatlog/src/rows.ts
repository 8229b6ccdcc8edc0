/** Where the rows of a long list stand; heights are estimated until they are measured. */

export interface Rows {
  readonly total: number
  offsetOf: (index: number) => number
  /** First row that reaches below `offset`. */
  indexAt: (offset: number) => number
  /** Where a row stands, sought from `near` on; -1 where there is none. */
  indexOf: (key: string, near?: number) => number
  /** The row turned out to be of another height: what is below it moves. */
  resize: (index: number, height: number) => void
}

export function layOut(keys: readonly string[], heights: ReadonlyMap<string, number>, estimate: number): Rows {
  const offsets = new Float64Array(keys.length + 1)
  for (let at = 0; at < keys.length; at += 1) {
    offsets[at + 1] = offsets[at]! + (heights.get(keys[at]!) ?? estimate)
  }
  return {
    get total() {
      return offsets[keys.length]!
    },
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
    indexOf: (key, near = 0) => {
      const found = keys.indexOf(key, near)
      return found < 0 && near > 0 ? keys.indexOf(key) : found
    },
    resize: (index, height) => {
      const grown = height - (offsets[index + 1]! - offsets[index]!)
      for (let at = index + 1; at <= keys.length; at += 1) offsets[at]! += grown
    },
  }
}
