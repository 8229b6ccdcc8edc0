/** What the visitor is writing; still there on the next page, and while a form stands in its place. */
import { ref, watch, type Ref } from 'vue'
import type { Store } from '@fiido-kefu/transport'

export function useDraft(store: Store, key: string): Ref<string> {
  const draft = ref(store.getItem(key) ?? '')
  watch(draft, (text) => (text ? store.setItem(key, text) : store.removeItem(key)), { flush: 'sync' })
  return draft
}
