/**
 * `reduce(state, event)`: one event folded into the conversation; pure, idempotent, order-safe.
 *
 * Law: reducing a stale state with the events it missed equals a fresh fetch.
 */
import { isManual, isWaiting, latestSuggestions, mergeMessages, type Conversation } from './state'
import type { Message, SessionEvent } from './wire'

/** Typing is shown this long after the last sign of it (`api.md`). */
export const TYPING_MILLISECONDS = 5000

type EventOf<T extends SessionEvent['type']> = Extract<SessionEvent, { type: T }>

export function reduce(state: Conversation, event: SessionEvent, now = 0): Conversation {
  switch (event.type) {
    case 'message_added':
    case 'manual_message':
      return withMessage(state, event)
    case 'status_change':
      return withStatus(state, event)
    case 'history_cleared':
      return seen(state, event.seq) ? state : cleared(state, event.seq)
    case 'rating_request':
      return seen(state, event.seq) ? state : { ...state, seq: event.seq, rating: 'requested' }
    case 'rating':
      return seen(state, event.seq) ? state : { ...state, seq: event.seq, rating: 'given' }
    case 'session_closed':
      return seen(state, event.seq) ? state : { ...state, seq: event.seq, queue: null }
    case 'typing':
      return withTyping(state, event, now)
    case 'queue_position':
      return withQueue(state, event)
    default:
      return state
  }
}

function seen(state: Conversation, seq: number | undefined): boolean {
  return seq !== undefined && seq <= state.seq
}

export function toMessage(event: EventOf<'message_added' | 'manual_message'>): Message {
  // The log's entry names the turn; a fetched message does not, and nobody needs it.
  const { type: _type, message_id: id, turn_id: _turn, ...rest } = event
  return { id, ...rest }
}

function withMessage(
  state: Conversation,
  event: EventOf<'message_added' | 'manual_message'>,
): Conversation {
  if (seen(state, event.seq)) return state
  const messages = mergeMessages(state.messages, [toMessage(event)])
  return {
    ...state,
    seq: event.seq,
    messages,
    typing: event.role === 'agent' ? null : state.typing,
    suggestions: latestSuggestions(messages),
  }
}

function withStatus(state: Conversation, event: EventOf<'status_change'>): Conversation {
  if (seen(state, event.seq)) return state
  const version = event.version ?? state.version
  const waiting = isWaiting(event.status)
  return {
    ...state,
    seq: event.seq ?? state.seq,
    status: event.status,
    version,
    agent: event.status === 'manual_live' ? (event.agent_info ?? state.agent) : null,
    queue: waiting ? state.queue : null,
    typing: isManual(event.status) ? state.typing : null,
    rating: event.status === 'manual_live' ? 'none' : state.rating,
  }
}

function withTyping(state: Conversation, event: EventOf<'typing'>, now: number): Conversation {
  if (event.role === 'user') return state
  const name = event.agent_name ?? state.agent?.name ?? null
  return { ...state, typing: { name, until: now + TYPING_MILLISECONDS } }
}

function withQueue(state: Conversation, event: EventOf<'queue_position'>): Conversation {
  if (!isWaiting(state.status)) return state
  const { position, waiting, estimated_seconds: estimate } = event
  return { ...state, queue: { position, waiting, estimatedSeconds: estimate ?? null } }
}

function cleared(state: Conversation, seq: number): Conversation {
  return { ...state, seq, messages: [], hasMore: false, suggestions: [] }
}
