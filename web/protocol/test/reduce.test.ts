import { describe, expect, it } from 'vitest'
import { EMPTY, fromFetch, reduce, toMessage, type Conversation, type SessionEvent, type Status, type VisitorSession } from '../src'

/** A conversation's log as the server writes it: AI, request, takeover, talk, release, close. */
const LOG: SessionEvent[] = [
  said(1, 'user', 'How far does it go?', { client_message_id: 'c1' }),
  said(2, 'assistant', 'Up to 140 km.', { suggestions: ['And in winter?'] }),
  said(3, 'user', 'I want a person', { client_message_id: 'c2' }),
  changed(4, 'pending_manual', 2),
  said(5, 'system', 'One moment.', { notice: 'waiting' }),
  changed(6, 'manual_live', 3, { id: 'a1', name: 'Anna' }),
  said(7, 'system', 'Anna is here.', { notice: 'takeover' }),
  said(8, 'agent', 'Hello!', { agent_id: 'a1', agent_name: 'Anna' }),
  said(9, 'user', 'Hi', { client_message_id: 'c3' }),
  changed(12, 'bot_active', 4),
  said(13, 'system', 'The assistant is back.', { notice: 'released' }),
  { type: 'rating_request', seq: 14, timestamp: 14 },
]

function said(seq: number, role: 'user' | 'assistant' | 'agent' | 'system', content: string, more: object = {}): SessionEvent {
  const type = role === 'user' || role === 'assistant' ? 'message_added' : 'manual_message'
  return { type, seq, message_id: `m${seq}`, role, content, timestamp: seq, ...more }
}

function changed(seq: number, status: Status, version: number, agent: { id: string; name: string } | null = null): SessionEvent {
  return { type: 'status_change', seq, status, reason: 'x', agent_info: agent, timestamp: seq, version }
}

/** What the server answers to a fetch after the first `count` entries. */
function fetched(count: number): Conversation {
  const past = LOG.slice(0, count)
  const states = past.filter((event) => event.type === 'status_change')
  const last = states[states.length - 1]
  const session: VisitorSession = {
    session_name: 's',
    status: last?.status ?? 'bot_active',
    version: last?.version ?? 1,
    assigned_agent: last?.agent_info ?? null,
    escalation: last?.status === 'pending_manual' ? { reason: 'keyword', trigger_at: last.timestamp } : null,
    created_at: 0,
    updated_at: 0,
    rating: past.some((event) => event.type === 'rating_request') ? 'open' : 'none',
  }
  const messages = past.flatMap((event) =>
    event.type === 'message_added' || event.type === 'manual_message' ? [toMessage(event)] : [],
  )
  const newest = past[past.length - 1]
  return fromFetch(session, messages, { seq: newest && 'seq' in newest ? newest.seq : 0 })
}

describe('reduce', () => {
  it('brings a state of any age to exactly what a fresh fetch gives', () => {
    for (let stale = 0; stale <= LOG.length; stale += 1) {
      for (let until = stale; until <= LOG.length; until += 1) {
        const caughtUp = LOG.slice(stale, until).reduce((state, event) => reduce(state, event), fetched(stale))
        expect(caughtUp).toEqual(fetched(until))
      }
    }
  })

  it('does nothing on an event it has seen', () => {
    const state = LOG.reduce((now, event) => reduce(now, event), EMPTY)
    for (const event of LOG) expect(reduce(state, event)).toBe(state)
  })

  it('replaces what is shown for a message before the log had it', () => {
    const early = { ...EMPTY, messages: [{ id: 'm2', seq: 1.5, role: 'assistant' as const, content: 'Up to', timestamp: 1, interrupted: true }] }
    const state = reduce(early, LOG[1]!)
    expect(state.messages).toHaveLength(1)
    expect(state.messages[0]).toMatchObject({ content: 'Up to 140 km.', seq: 2 })
  })

  it('offers follow-up questions only while the answer is the last word', () => {
    const state = LOG.slice(0, 2).reduce((now, event) => reduce(now, event), EMPTY)
    expect(state.suggestions).toEqual(['And in winter?'])
    expect(reduce(state, LOG[2]!).suggestions).toEqual([])
  })

  it('shows typing for five seconds, ends it with the message, and never my own', () => {
    const live = LOG.slice(0, 7).reduce((now, event) => reduce(now, event), EMPTY)
    const typing = reduce(live, { type: 'typing', role: 'agent' }, 1000)
    expect(typing.typing).toEqual({ name: 'Anna', until: 6000 })
    expect(reduce(typing, LOG[7]!).typing).toBeNull()
    expect(reduce(live, { type: 'typing', role: 'user' }, 1000)).toBe(live)
  })

  it('knows the place in the queue only while waiting', () => {
    const place: SessionEvent = { type: 'queue_position', position: 2, waiting: 5, estimated_seconds: 90 }
    const waiting = LOG.slice(0, 5).reduce((now, event) => reduce(now, event), EMPTY)
    expect(reduce(waiting, place).queue).toEqual({ position: 2, waiting: 5, estimatedSeconds: 90 })
    expect(reduce(reduce(waiting, place), LOG[5]!).queue).toBeNull()
    expect(reduce(EMPTY, place).queue).toBeNull()
  })

  it('starts anew when the history is cleared', () => {
    const state = LOG.reduce((now, event) => reduce(now, event), EMPTY)
    const cleared = reduce(state, { type: 'history_cleared', seq: 15, timestamp: 15 })
    expect(cleared.messages).toEqual([])
    expect(reduce(cleared, said(16, 'user', 'Again')).messages).toHaveLength(1)
  })

  it('ignores what it does not know', () => {
    expect(reduce(EMPTY, { type: 'something_new' } as never)).toBe(EMPTY)
  })
})
