/**
 * Brings what the agent wrote to the visitor: shown at once, sent in order, kept until it is known.
 *
 * A message carries its own id, so sending it again stores nothing twice. What may pass by itself
 * (no line, a service restarting) is tried again; what was refused stays, with the reason, until
 * the agent decides. All of it survives a reload and a login in between.
 */
import {
  ApiError,
  backoffMs,
  createOutbox,
  type Outbox,
  type OutboxEntry,
  type Store,
} from '@fiido-kefu/transport'
import type { Api } from '../api/client'
import type { Message } from '../api/wire'

export interface Delivery {
  entries: (session: string) => readonly OutboxEntry[]
  problem: (clientMessageId: string) => unknown
  send: (session: string, content: string) => void
  retry: (session: string, clientMessageId: string) => void
  /** Takes a refused message back; its text belongs into the draft again. */
  takeBack: (session: string, clientMessageId: string) => string
  /** These are in the log; they take the place of what was shown for them. */
  confirm: (session: string, messages: readonly Message[]) => void
  /** There is a line, or a login, again: everything that waits goes now. */
  resume: () => void
  stop: () => void
}

export interface DeliveryOptions {
  api: Pick<Api, 'post'>
  store: Store
  /** Of the keys in the store; names the agent, so that nobody sends another's words. */
  prefix: string
  onChange: (session: string, entries: readonly OutboxEntry[]) => void
  onRefused: (session: string, error: ApiError) => void
  newId?: () => string
  now?: () => number
  random?: () => number
}

interface Lane {
  outbox: Outbox
  isBusy: boolean
  timer: ReturnType<typeof setTimeout> | undefined
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const newId = options.newId ?? (() => crypto.randomUUID())
  const now = options.now ?? Date.now
  const random = options.random ?? Math.random
  const lanes = new Map<string, Lane>()
  const problems = new Map<string, unknown>()
  let stopped = false

  const laneOf = (session: string): Lane => {
    let lane = lanes.get(session)
    if (!lane) {
      const outbox: Outbox = createOutbox(options.store, options.prefix + session, () =>
        options.onChange(session, outbox.entries),
      )
      lane = { outbox, isBusy: false, timer: undefined }
      lanes.set(session, lane)
      remember()
    }
    return lane
  }

  /** Which sessions have something unsent; Web Storage can't be listed through `Store`. */
  const index = `${options.prefix}*`
  const remember = (): void => {
    if (stopped) return
    const names = [...lanes].filter(([, lane]) => lane.outbox.entries.length > 0).map(([name]) => name)
    if (names.length > 0) options.store.setItem(index, JSON.stringify(names))
    else options.store.removeItem(index)
  }

  const pump = async (session: string): Promise<void> => {
    const lane = laneOf(session)
    if (lane.isBusy || stopped) return
    lane.isBusy = true
    clearTimeout(lane.timer)
    try {
      for (let entry = lane.outbox.next(); entry && !stopped; entry = lane.outbox.next()) {
        const wait = await deliver(session, lane, entry)
        if (wait === 'login') return
        if (wait > 0) {
          lane.timer = setTimeout(() => void pump(session), wait)
          return
        }
      }
    } finally {
      lane.isBusy = false
      remember()
    }
  }

  /**
   * How long to wait before going on; `login`: until somebody has logged in. What an answer to a
   * stopped delivery says is no more than the next one finds out: it sends the same under the same id.
   */
  const deliver = async (session: string, lane: Lane, entry: OutboxEntry): Promise<number | 'login'> => {
    const { clientMessageId: id, content } = entry
    lane.outbox.change(id, { phase: 'sending', code: null })
    try {
      const answer = await options.api.post<{ data: { message_id: string } }>('/api/manual/messages', {
        session_name: session,
        role: 'agent',
        content,
        client_message_id: id,
      })
      if (!stopped) lane.outbox.change(id, { phase: 'sent', messageId: answer.data.message_id })
      return 0
    } catch (error) {
      return stopped ? 'login' : refused(session, lane, entry, error)
    }
  }

  const refused = (session: string, lane: Lane, entry: OutboxEntry, error: unknown): number | 'login' => {
    const { clientMessageId: id } = entry
    const failure = error instanceof ApiError ? error : new ApiError('OFFLINE', String(error), 0)
    const attempts = entry.attempts + 1
    if (failure.status === 401 || failure.isTemporary) {
      lane.outbox.change(id, { phase: 'queued', code: failure.code, attempts })
      return failure.status === 401 ? 'login' : (failure.retryAfterMs ?? backoffMs(attempts, random))
    }
    problems.set(id, failure)
    lane.outbox.change(id, { phase: 'failed', code: failure.code })
    options.onRefused(session, failure)
    return 0
  }

  const restored = ((): string[] => {
    try {
      return JSON.parse(options.store.getItem(index) ?? '[]') as string[]
    } catch {
      return []
    }
  })()
  for (const session of restored) options.onChange(session, laneOf(session).outbox.entries)

  return {
    entries: (session) => laneOf(session).outbox.entries,
    problem: (id) => problems.get(id),
    send: (session, content) => {
      laneOf(session).outbox.add(content, newId(), now())
      remember()
      void pump(session)
    },
    retry: (session, id) => {
      laneOf(session).outbox.change(id, { phase: 'queued', code: null })
      void pump(session)
    },
    takeBack: (session, id) => {
      const { outbox } = laneOf(session)
      const content = outbox.entries.find((entry) => entry.clientMessageId === id)?.content ?? ''
      outbox.remove(id)
      remember()
      return content
    },
    confirm: (session, messages) => {
      const lane = lanes.get(session)
      if (!lane) return
      const recent = messages.slice(-80)
      const ids = new Set(recent.flatMap((message) => [message.id, message.client_message_id]))
      for (const entry of lane.outbox.entries) {
        if (ids.has(entry.clientMessageId) || ids.has(entry.messageId)) lane.outbox.remove(entry.clientMessageId)
      }
      remember()
    },
    resume: () => {
      for (const [session, lane] of lanes) {
        for (const entry of lane.outbox.entries) {
          if (entry.phase === 'queued') lane.outbox.change(entry.clientMessageId, { attempts: 0 })
        }
        void pump(session)
      }
    },
    stop: () => {
      stopped = true
      for (const lane of lanes.values()) clearTimeout(lane.timer)
    },
  }
}
