/** Which rows of equal height are near the window of a scroller. */
import { computed, onBeforeUnmount, onMounted, ref, type ComputedRef, type Ref } from 'vue'

/** Rows drawn above and below what is seen. */
const OVERSCAN = 6

export interface RowWindow {
  /** Indexes of the rows to draw. */
  rows: ComputedRef<number[]>
  onScroll: () => void
}

/** `top` is the first row in sight, of `count`; `room` of them fit. A list that became shorter than
 * where one stood shows its end. */
export function rowsNear(top: number, room: number, count: number): number[] {
  const last = Math.min(count, top + room + OVERSCAN)
  const first = Math.max(0, Math.min(top, last - room) - OVERSCAN)
  return Array.from({ length: last - first }, (_, at) => first + at)
}

export function useRowWindow(scroller: Ref<HTMLElement | null>, count: () => number, height: number): RowWindow {
  const top = ref(0)
  const room = ref(12)

  // Whole rows only: a scroll within one changes nothing.
  const onScroll = (): void => {
    top.value = Math.floor((scroller.value?.scrollTop ?? 0) / height)
  }
  const observer = new ResizeObserver(() => {
    room.value = Math.ceil((scroller.value?.clientHeight ?? 0) / height) + 1
  })
  onMounted(() => scroller.value && observer.observe(scroller.value))
  onBeforeUnmount(() => observer.disconnect())

  return { rows: computed(() => rowsNear(top.value, room.value, count())), onScroll }
}
