/**
 * Many events become one change: at the next frame where it was quiet, ten times a second in a
 * storm, a few times a second in a tab nobody sees.
 */

export interface Gatherer<T> {
  add: (item: T) => void
  flush: () => void
  stop: () => void
}

const APART_MS = 100
/** Frames come no more where nobody looks. */
const HIDDEN_MS = 250

export function gather<T>(onBatch: (items: T[]) => void, now: () => number = Date.now): Gatherer<T> {
  let items: T[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let frame = 0
  let flushedAt = -Infinity

  const forget = (): void => {
    clearTimeout(timer)
    if (frame !== 0) cancelAnimationFrame(frame)
    timer = undefined
    frame = 0
  }

  const flush = (): void => {
    forget()
    const batch = items
    items = []
    flushedAt = now()
    if (batch.length > 0) onBatch(batch)
  }

  const flushSoon = (): void => {
    timer = setTimeout(flush, HIDDEN_MS)
    if (typeof requestAnimationFrame === 'function') frame = requestAnimationFrame(flush)
  }

  return {
    add: (item) => {
      items.push(item)
      if (timer !== undefined) return
      const wait = flushedAt + APART_MS - now()
      if (wait > 0) timer = setTimeout(flushSoon, wait)
      else flushSoon()
    },
    flush,
    stop: () => {
      forget()
      items = []
    },
  }
}
