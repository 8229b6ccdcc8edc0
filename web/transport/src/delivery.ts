/**
 * Brings what the visitor wrote to whoever listens now, AI or person, once and in order.
 *
 * The status can change under way: a 409 says who listens instead, and the same message, under the
 * same id, goes there. A stream that breaks is asked again under the same id: the server answers
 * with the running turn, the stored answer, or a new turn, so nothing is asked twice.
 */
import {
  isManual,
  openTurn,
  reduce,
  reduceTurn,
  type ChatFrame,
  type Message,
  type SessionEvent,
} from '@fiido-kefu/protocol'
import { backoffMs } from './backoff'
import type { Core } from './core'
import { ApiError } from './http'
import { newId } from './ids'
import type { OutboxEntry } from './outbox'
import { readSse } from './sse'

/** Heartbeats come every 15 s while an answer is awaited. */
const CHAT_SILENCE_MS = 45_000
/** An answer that was cut may still turn out to be stored; so long its fate stays open. */
const SETTLE_MS = 2_500
const MAX_REROUTES = 4

export interface Delivery {
  send: (content: string) => void
  retry: (clientMessageId: string) => void
  discard: (clientMessageId: string) => void
  stopAnswer: () => Promise<void>
  /** What is queued goes now, whatever wait it was in. */
  hurry: () => void
  /** A message is in the log: it takes the place of what was shown for it. */
  confirm: (messages: readonly Message[]) => void
  stop: () => void
}

export interface DeliveryHooks {
  reload: () => Promise<void>
  onLost: () => void
}

export function createDelivery(core: Core, hooks: DeliveryHooks): Delivery {
  const { outbox } = core
  const random = core.options.random ?? Math.random
  let timer: ReturnType<typeof setTimeout> | undefined
  let settling: ReturnType<typeof setTimeout> | undefined
  let busy = false
  let stopped = false
  let reroutes = 0
  let abort: AbortController | null = null
  let asked: Pick<OutboxEntry, 'clientMessageId' | 'content'> | null = null

  const pump = async (): Promise<void> => {
    if (busy || stopped) return
    busy = true
    clearTimeout(timer)
    try {
      for (let entry = outbox.next(); entry && !stopped; entry = outbox.next()) {
        const wait = await deliver(entry)
        if (wait !== null) {
          timer = setTimeout(() => void pump(), wait)
          return
        }
      }
    } finally {
      busy = false
    }
  }

  /** `null`: go on with the next one; else how long to wait before trying again. */
  const deliver = async (entry: OutboxEntry): Promise<number | null> => {
    const id = entry.clientMessageId
    outbox.change(id, { phase: 'sending', code: null })
    try {
      if (core.credentials && isManual(core.view.conversation.status)) await tell(entry)
      else await ask(entry)
      reroutes = 0
      return null
    } catch (error) {
      if (stopped) return null
      const failure = error instanceof ApiError ? error : new ApiError('OFFLINE', String(error), 0)
      return refused(entry, failure)
    }
  }

  const refused = async (entry: OutboxEntry, error: ApiError): Promise<number | null> => {
    const id = entry.clientMessageId
    const attempts = entry.attempts + 1
    const requeue = (code: string | null): void =>
      outbox.change(id, { phase: 'queued', code, attempts })
    if (error.code === 'TURN_IN_PROGRESS') {
      requeue(null)
      return Math.min(1000 * attempts, 5000)
    }
    if (core.view.turn?.phase === 'asking' && !core.view.turn.messageId) core.set({ turn: null })
    if (error.code === 'MANUAL_IN_PROGRESS' || error.code === 'INVALID_STATUS') {
      reroutes += 1
      requeue(null)
      await hooks.reload()
      return reroutes > MAX_REROUTES ? backoffMs(reroutes, random) : 0
    }
    if (error.code === 'SESSION_FORBIDDEN' && attempts <= 2) {
      requeue(null)
      hooks.onLost()
      return 0
    }
    if (!error.isTemporary) {
      outbox.change(id, { phase: 'failed', code: error.code })
      return null
    }
    requeue(error.code)
    return error.retryAfterMs ?? backoffMs(attempts, random)
  }

  const tell = async (entry: OutboxEntry): Promise<void> => {
    const { clientMessageId, content } = entry
    const body = {
      session_name: core.credentials?.sessionName,
      role: 'user',
      content,
      client_message_id: clientMessageId,
    }
    const answer = await core.http.call<{ data: { message_id: string } }>(
      'POST',
      '/api/manual/messages',
      { body },
    )
    outbox.change(clientMessageId, { phase: 'sent', messageId: answer.data.message_id })
    if (core.view.connection !== 'live') await hooks.reload()
    confirm(core.view.conversation.messages)
  }

  const ask = async (entry: OutboxEntry): Promise<void> => {
    settle()
    const previous = core.view.turn
    const again = previous?.clientMessageId === entry.clientMessageId
    if (!again || previous.phase === 'failed') core.set({ turn: openTurn(entry.clientMessageId) })
    asked = entry
    const mine = new AbortController()
    abort = mine
    const response = await openAnswer(entry, mine.signal)
    await readAnswer(response, mine, entry.clientMessageId)
    finish(entry)
  }

  const openAnswer = (entry: OutboxEntry, signal: AbortSignal): Promise<Response> =>
    core.http.open('POST', `/api/chat/stream?shop=${encodeURIComponent(core.options.shop)}`, {
      signal,
      headers: { Accept: 'text/event-stream' },
      body: {
        message: entry.content,
        client_message_id: entry.clientMessageId,
        language: core.options.language(),
        ...(core.credentials ? { user_id: core.credentials.sessionName } : {}),
      },
    })

  const readAnswer = async (response: Response, mine: AbortController, id: string): Promise<void> => {
    let watchdog = setTimeout(() => mine.abort(), CHAT_SILENCE_MS)
    try {
      if (!response.body) return
      await readSse(response.body, {
        onFrame: (frame) => takeFrame(frame.data, id),
        onBytes: () => {
          clearTimeout(watchdog)
          watchdog = setTimeout(() => mine.abort(), CHAT_SILENCE_MS)
        },
      })
    } catch {
      // Broken in the middle: `finish` sees that no end came and leaves the turn detached.
    } finally {
      clearTimeout(watchdog)
    }
  }

  const takeFrame = (data: string, id: string): void => {
    const frame = parseFrame(data)
    const turn = core.view.turn
    if (!frame || turn?.clientMessageId !== id) return
    if (frame.type === 'meta') outbox.change(id, { phase: 'sent' })
    core.set({ turn: reduceTurn(turn, frame) })
    // The events stream brings the same with its sequence number; without it this has to do.
    const unseen = core.view.connection !== 'live'
    if (frame.type === 'status_change' && unseen) {
      core.setConversation((state) => reduce(state, frame as SessionEvent, core.now()))
    }
  }

  const finish = (entry: OutboxEntry): void => {
    const id = entry.clientMessageId
    const turn = core.view.turn
    if (turn?.clientMessageId !== id) return
    const moved = turn.error?.code === 'STREAM_MOVED' || turn.error?.code === 'TURN_LOST'
    if (turn.phase === 'failed' && !moved) {
      if (turn.messageId) outbox.remove(id)
      else outbox.change(id, { phase: 'failed', code: turn.error?.code ?? null })
      return
    }
    if (turn.phase !== 'ended') {
      core.set({ turn: { ...turn, phase: 'detached', error: null } })
      throw new ApiError('OFFLINE', 'The stream ended before the answer did.', 0)
    }
    outbox.change(id, { phase: 'sent' })
    confirm(core.view.conversation.messages)
    if (core.view.connection !== 'live') void hooks.reload()
    clearTimeout(settling)
    settling = setTimeout(settle, SETTLE_MS)
  }

  /** Turns an answer nobody confirmed into a message of its own, so that the next can begin. */
  const settle = (): void => {
    clearTimeout(settling)
    const turn = core.view.turn
    if (turn?.phase !== 'ended') return
    core.setConversation((state) => {
      const known = state.messages.some((message) => message.id === turn.messageId)
      if (known || !turn.messageId || !turn.text) return state
      const message: Message = {
        id: turn.messageId,
        // Behind everything known, before whatever comes next; the log's own entry replaces it.
        seq: state.seq + 0.5,
        role: turn.isNotice ? 'system' : 'assistant',
        content: turn.text,
        timestamp: core.now() / 1000,
        interrupted: turn.wasCut,
      }
      return { ...state, messages: [...state.messages, message] }
    })
    core.set({ turn: null })
  }

  const confirm = (messages: readonly Message[]): void => {
    const recent = messages.slice(-60)
    const clientIds = new Set(recent.map((message) => message.client_message_id))
    const ids = new Set(recent.map((message) => message.id))
    const { turn } = core.view
    const answered = turn?.messageId != null && ids.has(turn.messageId)
    for (const entry of outbox.entries) {
      const logged = clientIds.has(entry.clientMessageId) || ids.has(entry.messageId ?? '')
      const isOpen = turn?.clientMessageId === entry.clientMessageId && !answered
      if (logged && !(isOpen && turn.phase === 'detached')) {
        if (!isOpen || entry.phase !== 'sending') outbox.remove(entry.clientMessageId)
      }
    }
    if (answered) {
      outbox.remove(turn.clientMessageId)
      core.set({ turn: null })
    }
  }

  const hurry = (): void => {
    clearTimeout(timer)
    void pump()
  }

  return {
    send: (content) => {
      const id = core.options.newId?.() ?? newId()
      outbox.add(content, id, core.now() / 1000)
      void pump()
    },
    retry: (id) => {
      if (asked?.clientMessageId === id && !outbox.entries.some((e) => e.clientMessageId === id)) {
        outbox.add(asked.content, id, core.now() / 1000)
      } else {
        outbox.change(id, { phase: 'queued', attempts: 0, code: null })
      }
      hurry()
    },
    discard: (id) => outbox.remove(id),
    stopAnswer: async () => {
      // Refused where the answer has just ended by itself.
      if (core.credentials) await core.http.call('POST', core.sessionPath('/stop')).catch(() => undefined)
    },
    hurry,
    confirm,
    stop: () => {
      stopped = true
      clearTimeout(timer)
      clearTimeout(settling)
      abort?.abort()
    },
  }
}

function parseFrame(data: string): ChatFrame | null {
  try {
    return JSON.parse(data) as ChatFrame
  } catch {
    return null
  }
}
