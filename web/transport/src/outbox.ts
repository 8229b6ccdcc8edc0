/**
 * What the visitor has written and the server has not confirmed yet; survives a reload.
 *
 * Sending is idempotent by `clientMessageId`, so an entry may be sent again by anyone at any time.
 */
import { readJson, type Store } from './credentials'

export interface OutboxEntry {
  clientMessageId: string
  content: string
  createdAt: number
  /** queued: will go by itself · sending · sent: accepted, its echo is on the way · failed */
  phase: 'queued' | 'sending' | 'sent' | 'failed'
  attempts: number
  /** Why it failed, or waits. */
  code: string | null
  /** Given by the server once it has taken the message. */
  messageId: string | null
}

export interface Outbox {
  readonly entries: readonly OutboxEntry[]
  add: (content: string, clientMessageId: string, createdAt: number) => OutboxEntry
  change: (clientMessageId: string, change: Partial<OutboxEntry>) => void
  /** Confirmed or discarded. */
  remove: (clientMessageId: string) => void
  next: () => OutboxEntry | null
  clear: () => void
}

export function createOutbox(store: Store, key: string, onChange: () => void): Outbox {
  let entries: readonly OutboxEntry[] = restore(store, key)

  const set = (next: readonly OutboxEntry[]): void => {
    entries = next
    const unsent = entries.filter((entry) => entry.phase !== 'sent')
    if (unsent.length > 0) store.setItem(key, JSON.stringify(unsent))
    else store.removeItem(key)
    onChange()
  }

  return {
    get entries() {
      return entries
    },
    add: (content, clientMessageId, createdAt) => {
      const entry: OutboxEntry = {
        clientMessageId,
        content,
        createdAt,
        phase: 'queued',
        attempts: 0,
        code: null,
        messageId: null,
      }
      set([...entries.filter((one) => one.clientMessageId !== clientMessageId), entry])
      return entry
    },
    change: (id, change) =>
      set(entries.map((entry) => (entry.clientMessageId === id ? { ...entry, ...change } : entry))),
    remove: (id) => {
      if (entries.some((entry) => entry.clientMessageId === id)) {
        set(entries.filter((entry) => entry.clientMessageId !== id))
      }
    },
    next: () => entries.find((entry) => entry.phase === 'queued') ?? null,
    clear: () => set([]),
  }
}

function isEntries(value: unknown): value is OutboxEntry[] {
  return (
    Array.isArray(value) &&
    value.every((one) => typeof one?.clientMessageId === 'string' && typeof one?.content === 'string')
  )
}

function restore(store: Store, key: string): OutboxEntry[] {
  const saved = readJson(store, key, isEntries) ?? []
  return saved.map((entry) => ({
    ...entry,
    phase: entry.phase === 'failed' ? 'failed' : 'queued',
    attempts: 0,
  }))
}
