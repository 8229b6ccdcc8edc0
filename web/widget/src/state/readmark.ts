/** How far the visitor has read; kept, so that the next page does not call read messages new. */
import { ref, watch, type ComputedRef, type Ref } from 'vue'
import type { Conversation } from '@fiido-kefu/protocol'
import { readJson, type Store } from '@fiido-kefu/transport'

interface Mark {
  session: string
  seq: number
}

export interface ReadMark {
  seq: Readonly<Ref<number>>
  /** Everything up to here was seen; true where that is further than before. */
  set: (seq: number) => boolean
  forget: () => void
}

export function useReadMark(conversation: ComputedRef<Conversation>, store: Store, key: string): ReadMark {
  const seq = ref(0)
  const recall = (): void => {
    const kept = readJson(store, key, isMark)
    const isOurs = kept !== null && kept.session === conversation.value.sessionName
    seq.value = isOurs ? kept.seq : 0
  }
  watch(() => conversation.value.sessionName, recall, { immediate: true, flush: 'sync' })
  // What another tab shows is read here too.
  addEventListener('storage', (event) => event.key === key && recall())

  return {
    seq,
    set: (newest) => {
      if (newest <= seq.value) return false
      seq.value = newest
      store.setItem(key, JSON.stringify({ session: conversation.value.sessionName, seq: newest }))
      return true
    },
    forget: () => store.removeItem(key),
  }
}

function isMark(value: unknown): value is Mark {
  const { session, seq } = (value ?? {}) as Record<string, unknown>
  return typeof session === 'string' && typeof seq === 'number'
}
