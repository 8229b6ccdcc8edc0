/** Many events become one change a frame; in a tab nobody sees, a few a second. */

export interface Gatherer<T> {
  add: (item: T) => void
  flush: () => void
  stop: () => void
}

const HIDDEN_MS = 250

export function gather<T>(onBatch: (items: T[]) => void): Gatherer<T> {
  let items: T[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let frame = 0

  const flush = (): void => {
    clearTimeout(timer)
    if (frame !== 0) cancelAnimationFrame(frame)
    timer = undefined
    frame = 0
    const batch = items
    items = []
    if (batch.length > 0) onBatch(batch)
  }

  return {
    add: (item) => {
      items.push(item)
      if (timer !== undefined) return
      timer = setTimeout(flush, HIDDEN_MS)
      if (typeof requestAnimationFrame === 'function') frame = requestAnimationFrame(flush)
    },
    flush,
    stop: () => {
      clearTimeout(timer)
      if (frame !== 0) cancelAnimationFrame(frame)
      items = []
      timer = undefined
    },
  }
}
