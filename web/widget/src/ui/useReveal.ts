/** Evens out the bursts in which an answer arrives; never more than a blink behind it. */
import { onBeforeUnmount, ref, watch, type Ref } from 'vue'

/** Of what is still hidden, the share shown each frame; at 60 Hz a burst is out in a sixth of a second. */
const SHARE = 0.22

export function useReveal(text: Readonly<Ref<string>>): Ref<string> {
  const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches
  const shown = ref(text.value)
  let frame = 0

  const step = (): void => {
    frame = 0
    const hidden = text.value.length - shown.value.length
    if (hidden <= 0 || !text.value.startsWith(shown.value)) {
      shown.value = text.value
      return
    }
    const next = shown.value.length + Math.max(1, Math.ceil(hidden * SHARE))
    shown.value = text.value.slice(0, next)
    frame = requestAnimationFrame(step)
  }
  watch(text, () => {
    // A hidden page draws no frames; there is nobody to be smooth for.
    if (calm || document.visibilityState === 'hidden') shown.value = text.value
    else if (frame === 0) frame = requestAnimationFrame(step)
  })
  onBeforeUnmount(() => cancelAnimationFrame(frame))
  return shown
}
