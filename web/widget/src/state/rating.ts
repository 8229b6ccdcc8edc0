/** When the rating card stands in the conversation: asked for, not given yet, not put away. */
import { computed, ref, watch, type ComputedRef } from 'vue'
import type { Conversation } from '@fiido-kefu/protocol'
import { readJson, type Store } from '@fiido-kefu/transport'

/** What was put away: all that persons had said in this session up to here. */
interface Skipped {
  session: string
  seq: number
}

export interface Rating {
  isShown: ComputedRef<boolean>
  skip: () => void
  forget: () => void
}

/** `store` keeps the visitor's choice for the next page, where it keeps anything at all. */
export function useRating(conversation: ComputedRef<Conversation>, store: Store, key: string): Rating {
  const skipped = ref(readJson(store, key, isSkipped))
  // The thanks belong to the page that asked; one loaded later does not repeat them.
  const wasAsked = ref(false)
  watch(() => conversation.value.rating, (rating) => {
    if (rating !== 'given') wasAsked.value = rating === 'requested'
  }, { immediate: true, flush: 'sync' })

  /** A person who came later is another one to rate. */
  const isPutAway = computed(() => {
    const { sessionName, messages } = conversation.value
    const mark = skipped.value
    if (mark === null || mark.session !== sessionName) return false
    return !messages.some(({ seq, role, notice }) => seq > mark.seq && (role === 'agent' || notice === 'takeover'))
  })
  const isShown = computed(() => {
    const { rating, status } = conversation.value
    const isOpen = rating === 'requested' && !isPutAway.value
    return status !== 'manual_live' && (isOpen || (rating === 'given' && wasAsked.value))
  })

  return {
    isShown,
    skip: () => {
      const { sessionName, seq } = conversation.value
      skipped.value = { session: sessionName ?? '', seq }
      store.setItem(key, JSON.stringify(skipped.value))
    },
    forget: () => {
      skipped.value = null
      store.removeItem(key)
    },
  }
}

function isSkipped(value: unknown): value is Skipped {
  const { session, seq } = (value ?? {}) as Record<string, unknown>
  return typeof session === 'string' && typeof seq === 'number'
}
