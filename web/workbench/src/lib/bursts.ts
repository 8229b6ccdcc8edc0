/** The first is told at once; what comes soon after is gathered and told together. */

export interface Bursts<T> {
  /** `key`: a later one about the same takes the earlier one's place. */
  add: (key: string, item: T) => void
  drop: (key: string) => void
  /** What was added goes out now, unless it is too soon after the last. */
  flush: () => void
  stop: () => void
}

export function gatherBursts<T>(apartMs: number, tell: (items: T[]) => void): Bursts<T> {
  const items = new Map<string, T>()
  let timer: ReturnType<typeof setTimeout> | undefined

  const flush = (): void => {
    if (timer !== undefined || items.size === 0) return
    const told = [...items.values()]
    items.clear()
    timer = setTimeout(() => {
      timer = undefined
      flush()
    }, apartMs)
    tell(told)
  }

  return {
    add: (key, item) => void items.set(key, item),
    drop: (key) => void items.delete(key),
    flush,
    stop: () => {
      clearTimeout(timer)
      timer = undefined
      items.clear()
    },
  }
}
