/**
 * A long list of rows of unknown height that keeps its place.
 *
 * At the end it sticks to the end; anywhere else the row under the visitor's eye stays where it
 * is, whatever is measured, added above, or grows below.
 */
import { computed, nextTick, onBeforeUnmount, onMounted, ref, watch, type ComputedRef, type Ref } from 'vue'
import { layOut } from './rows'

const ESTIMATE = 84
const OVERSCAN = 700
const END_REACHED = 32
const ANCHORS = 4

export interface VirtualList {
  first: ComputedRef<number>
  last: ComputedRef<number>
  offset: ComputedRef<number>
  total: ComputedRef<number>
  isAtEnd: Ref<boolean>
  measure: (element: unknown, key: string) => void
  onScroll: () => void
  toEnd: (smooth?: boolean) => void
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

  const layout = computed(() => {
    void measured.value
    return layOut(keys.value, heights, ESTIMATE)
  })
  const indexes = computed(() => new Map(keys.value.map((key, index) => [key, index])))
  const first = computed(() => layout.value.indexAt(top.value - OVERSCAN))
  const last = computed(() => layout.value.indexAt(top.value + viewport.value + OVERSCAN))

  const observer = new ResizeObserver((entries) => {
    let changed = false
    for (const { target } of entries) {
      const key = names.get(target)
      const height = (target as HTMLElement).offsetHeight
      if (key === undefined || height === 0 || heights.get(key) === height) continue
      heights.set(key, height)
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
    top.value = box.scrollTop
    // Growing content moves the end away from us; only going up means leaving it.
    if (box.scrollTop + box.clientHeight >= box.scrollHeight - END_REACHED) isAtEnd.value = true
    else if (box.scrollTop < lastTop - 1) isAtEnd.value = false
    lastTop = box.scrollTop
    const index = layout.value.indexAt(box.scrollTop)
    // Several, because a day's heading goes when older messages of the same day come above it.
    anchors = keys.value
      .slice(index, index + ANCHORS)
      .map((key, at) => ({ key, delta: box.scrollTop - layout.value.offsetOf(index + at) }))
  }

  function settle(): void {
    const box = scroller.value
    if (!box) return
    const anchor = anchors.find(({ key }) => indexes.value.has(key))
    if (isAtEnd.value) box.scrollTop = box.scrollHeight
    else if (anchor) {
      const wanted = layout.value.offsetOf(indexes.value.get(anchor.key)!) + anchor.delta
      if (Math.abs(wanted - box.scrollTop) > 1) box.scrollTop = wanted
    }
    top.value = lastTop = box.scrollTop
  }

  function toEnd(smooth = false): void {
    const box = scroller.value
    isAtEnd.value = true
    box?.scrollTo({ top: box.scrollHeight, behavior: smooth ? 'smooth' : 'instant' })
  }

  watch(layout, () => settle(), { flush: 'post' })
  onMounted(() => {
    if (scroller.value) frame.observe(scroller.value)
    void nextTick(() => toEnd())
  })
  onBeforeUnmount(() => {
    observer.disconnect()
    frame.disconnect()
  })

  return {
    first,
    last,
    offset: computed(() => layout.value.offsetOf(first.value)),
    total: computed(() => layout.value.total),
    isAtEnd,
    measure,
    onScroll,
    toEnd,
  }
}
