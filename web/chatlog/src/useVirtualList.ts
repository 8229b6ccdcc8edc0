/**
 * A long list of rows of unknown height that keeps its place.
 *
 * At the end it sticks to the end; anywhere else the row under the visitor's eye stays where it
 * is, whatever is measured, added above, or grows below. Home and End lead to the first and the
 * last row at once: the browser's own way there would be cut short by the first row that is
 * measured on it.
 */
import { computed, nextTick, onBeforeUnmount, onMounted, ref, watch, type ComputedRef, type Ref } from 'vue'
import { layOut, type Rows } from './rows'

const ESTIMATE = 84
const OVERSCAN = 700
const END_REACHED = 32
const ANCHORS = 4
const WRITES = 'input, textarea, select, [contenteditable]'

export interface VirtualList {
  first: ComputedRef<number>
  last: ComputedRef<number>
  offset: ComputedRef<number>
  total: ComputedRef<number>
  isAtEnd: Ref<boolean>
  measure: (element: unknown, key: string) => void
  onScroll: () => void
  toEnd: () => void
}

export function useVirtualList(scroller: Ref<HTMLElement | undefined>, keys: ComputedRef<string[]>): VirtualList {
  const heights = new Map<string, number>()
  const elements = new Map<string, HTMLElement>()
  const names = new WeakMap<Element, string>()
  const measured = ref(0)
  const top = ref(0)
  const viewport = ref(640)
  const isAtEnd = ref(true)
  let anchors: { key: string; delta: number }[] = []
  let lastTop = 0

  // Laid out anew for other keys only; a row that grows, as an answer does, moves what is below it.
  const layout = computed(() => layOut(keys.value, heights, ESTIMATE))
  const rows = (): Rows => {
    void measured.value
    return layout.value
  }
  const first = computed(() => rows().indexAt(top.value - OVERSCAN))
  const last = computed(() => rows().indexAt(top.value + viewport.value + OVERSCAN))
  const total = computed(() => rows().total)

  const observer = new ResizeObserver((entries) => {
    let changed = false
    for (const { target, borderBoxSize } of entries) {
      const key = names.get(target)
      const height = borderBoxSize[0]?.blockSize ?? 0
      if (key === undefined || height === 0 || heights.get(key) === height) continue
      heights.set(key, height)
      const index = layout.value.indexOf(key, first.value)
      if (index >= 0) layout.value.resize(index, height)
      changed = true
    }
    if (changed) measured.value += 1
  })
  const frame = new ResizeObserver(() => {
    viewport.value = scroller.value?.clientHeight ?? viewport.value
    settle()
  })

  function measure(element: unknown, key: string): void {
    const known = elements.get(key)
    if (known && known !== element) {
      observer.unobserve(known)
      elements.delete(key)
    }
    if (element instanceof HTMLElement && known !== element) {
      elements.set(key, element)
      names.set(element, key)
      observer.observe(element)
    }
  }

  function onScroll(): void {
    const box = scroller.value
    if (!box) return
    const { scrollTop, clientHeight } = box
    top.value = scrollTop
    lookForEnd(box)
    lastTop = scrollTop
    // In the middle, because the oldest rows lose their heading when older ones come above them;
    // several, because any row may go.
    const index = layout.value.indexAt(scrollTop + clientHeight / 2)
    anchors = keys.value
      .slice(index, index + ANCHORS)
      .map((key, at) => ({ key, delta: scrollTop - layout.value.offsetOf(index + at) }))
  }

  /** Growing content moves the end away from us: only going up means leaving it, however little. */
  function lookForEnd({ scrollTop, clientHeight, scrollHeight }: HTMLElement): void {
    const below = scrollHeight - clientHeight - scrollTop
    if (below < 2) isAtEnd.value = true
    else if (scrollTop < lastTop - 1) isAtEnd.value = false
    else if (scrollTop > lastTop && below <= END_REACHED) isAtEnd.value = true
  }

  /** Where the list has to be scrolled to, to show what it showed. */
  function held(): number {
    if (isAtEnd.value) return layout.value.total - viewport.value
    for (const { key, delta } of anchors) {
      const index = layout.value.indexOf(key)
      if (index >= 0) return layout.value.offsetOf(index) + delta
    }
    return lastTop
  }

  function settle(): void {
    const box = scroller.value
    if (!box) return
    const wanted = held()
    if (isAtEnd.value) box.scrollTop = box.scrollHeight
    else if (Math.abs(wanted - lastTop) > 1) box.scrollTop += wanted - lastTop
    else return
    top.value = lastTop = box.scrollTop
  }

  function toEnd(): void {
    const box = scroller.value
    isAtEnd.value = true
    box?.scrollTo({ top: box.scrollHeight, behavior: 'instant' })
  }

  function toStart(): void {
    scroller.value?.scrollTo({ top: 0, behavior: 'instant' })
    onScroll()
  }

  function onKey(event: KeyboardEvent): void {
    const go = { Home: toStart, End: toEnd }[event.key]
    const isModified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey
    if (!go || isModified || (event.target as Element).closest(WRITES)) return
    event.preventDefault()
    // What had the focus may be too far away to be drawn.
    scroller.value?.focus({ preventScroll: true })
    go()
  }

  // Aimed at before the rows are drawn, so that those of the right place are drawn, and only once.
  watch([layout, measured], () => (top.value = held()))
  watch(
    [layout, measured],
    () => {
      // A scroll may have happened whose event is yet to come.
      if (isAtEnd.value && scroller.value) lookForEnd(scroller.value)
      settle()
    },
    { flush: 'post' },
  )
  onMounted(() => {
    if (scroller.value) frame.observe(scroller.value)
    scroller.value?.addEventListener('keydown', onKey)
    void nextTick(toEnd)
  })
  onBeforeUnmount(() => {
    observer.disconnect()
    frame.disconnect()
  })

  return { first, last, offset: computed(() => rows().offsetOf(first.value)), total, isAtEnd, measure, onScroll, toEnd }
}
