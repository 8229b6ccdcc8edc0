/** One tick a second for everything that waits; the server's time, as far as it is known. */
import { defineStore } from 'pinia'
import { computed, onScopeDispose, ref } from 'vue'
import { dayOf } from '../lib/words'

export const useClock = defineStore('clock', () => {
  const local = ref(Date.now() / 1000)
  const skew = ref(0)
  const timer = setInterval(() => (local.value = Date.now() / 1000), 1000)
  onScopeDispose(() => clearInterval(timer))
  return {
    local,
    /** Seconds, as the server counts them. */
    now: computed(() => local.value + skew.value),
    today: computed(() => dayOf(local.value)),
    /** The server has said what time it is there. */
    set: (serverNow: number) => {
      const found = serverNow - Date.now() / 1000
      // Under a second is the line, not the clock.
      if (Math.abs(found - skew.value) > 1) skew.value = found
    },
  }
})
