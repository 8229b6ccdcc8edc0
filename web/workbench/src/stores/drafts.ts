/** What is being typed, per agent: answers, reasons in dialogs, half-filled forms. It outlives a lost
 * login, not the tab. */
import { safeStore } from '@fiido-kefu/transport'
import { defineStore } from 'pinia'
import { computed, reactive, type WritableComputedRef } from 'vue'
import { useAccount } from './account'

export const useDrafts = defineStore('drafts', () => {
  const account = useAccount()
  const store = safeStore(() => sessionStorage)
  const known = reactive(new Map<string, string>())
  const keyOf = (session: string): string => `kefu-workbench:${account.agent?.id ?? ''}:draft:${session}`

  function of(session: string): string {
    const key = keyOf(session)
    if (!known.has(key)) known.set(key, store.getItem(key) ?? '')
    return known.get(key) ?? ''
  }

  function keep(session: string, text: string): void {
    const key = keyOf(session)
    known.set(key, text)
    if (text === '') store.removeItem(key)
    else store.setItem(key, text)
  }

  return { of, keep, has: (session: string) => of(session).trim() !== '' }
})

/** The word about why; kept like an answer, so that a login that ends meanwhile takes nothing. */
export function useReason(session: string, act: string): WritableComputedRef<string> {
  const drafts = useDrafts()
  // Sessions' names have no colon.
  const key = `${session}:${act}`
  return computed({ get: () => drafts.of(key), set: (text) => drafts.keep(key, text) })
}

export interface Kept<T> {
  /** What a login that ended left in the form. */
  left: Partial<T> | null
  keep: (fields: T) => void
  drop: () => void
}

/** A form somebody fills in. Nobody's secret belongs into it: it is stored where scripts can read. */
export function useKept<T extends object>(form: string): Kept<T> {
  const drafts = useDrafts()
  // Sessions' names are not empty.
  const key = `:${form}`
  return {
    left: readLeft<T>(drafts.of(key)),
    keep: (fields) => drafts.keep(key, JSON.stringify(fields)),
    drop: () => drafts.keep(key, ''),
  }
}

function readLeft<T>(text: string): Partial<T> | null {
  try {
    return text ? (JSON.parse(text) as Partial<T>) : null
  } catch {
    return null
  }
}
