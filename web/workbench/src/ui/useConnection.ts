/** What is true about the line to the server, in one word. */
import { computed, onScopeDispose, ref, type ComputedRef } from 'vue'
import { useAccount } from '../stores/account'
import { useClock } from '../stores/clock'
import { useQueue } from '../stores/queue'

export type Line = 'live' | 'connecting' | 'lost' | 'offline' | 'none'

/** A reconnect that takes longer than this is worth a word. */
const PATIENCE_SECONDS = 3

export function useConnection(): { line: ComputedRef<Line>; isWorthTelling: ComputedRef<boolean> } {
  const account = useAccount()
  const queue = useQueue()
  const clock = useClock()
  const hasNetwork = ref(navigator.onLine)
  const note = (): void => {
    hasNetwork.value = navigator.onLine
  }
  addEventListener('online', note)
  addEventListener('offline', note)
  onScopeDispose(() => {
    removeEventListener('online', note)
    removeEventListener('offline', note)
  })

  const line = computed<Line>(() => {
    if (!account.serves) return 'none'
    if (!hasNetwork.value) return 'offline'
    if (queue.view.phase === 'open') return 'live'
    if (queue.view.phase === 'connecting') return 'connecting'
    return 'lost'
  })
  const isWorthTelling = computed(() => {
    if (line.value === 'live' || line.value === 'none') return false
    return queue.lostAt > 0 ? clock.local - queue.lostAt > PATIENCE_SECONDS : line.value !== 'connecting'
  })
  return { line, isWorthTelling }
}
