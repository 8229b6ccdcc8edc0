/** What a client knows of one conversation; made from a fetch, kept current by `reduce`. */
import type { AgentInfo, Message, Status, VisitorSession } from './wire'

export interface QueuePlace {
  position: number
  waiting: number
  estimatedSeconds: number | null
}

export interface Typing {
  name: string | null
  /** Milliseconds on the receiver's clock; nothing says "stopped typing", it runs out. */
  until: number
}

export interface Conversation {
  sessionName: string | null
  status: Status
  version: number
  /** The newest sequence number applied; what is not above it was seen already. */
  seq: number
  messages: readonly Message[]
  hasMore: boolean
  agent: AgentInfo | null
  queue: QueuePlace | null
  typing: Typing | null
  rating: 'none' | 'requested' | 'given'
  suggestions: readonly string[]
}

export const EMPTY: Conversation = {
  sessionName: null,
  status: 'bot_active',
  version: 0,
  seq: 0,
  messages: [],
  hasMore: false,
  agent: null,
  queue: null,
  typing: null,
  rating: 'none',
  suggestions: [],
}

/** Both waiting states; in neither has a person spoken yet. */
export function isWaiting(status: Status): boolean {
  return status === 'pending_manual'
}

/** While a person is asked for or speaks, the AI is silent and messages go to people. */
export function isManual(status: Status): boolean {
  return status === 'pending_manual' || status === 'manual_live'
}

/** Joins two runs of messages: one entry an id, in the order of `seq`, the later one wins. */
export function mergeMessages(
  known: readonly Message[],
  more: readonly Message[],
): readonly Message[] {
  const [oldest, last] = [known[0], known[known.length - 1]]
  const first = more[0]
  if (!first) return known
  if (oldest && more.every((message) => message.seq < oldest.seq)) return [...inOrder(more), ...known]
  const ids = new Set(more.map((message) => message.id))
  // A message shown before the log had it stands near the end, under the same id.
  const isNew = !known.slice(-20).some((message) => ids.has(message.id))
  if (!last || (first.seq > last.seq && isNew)) return [...known, ...inOrder(more)]
  const byId = new Map(known.map((message) => [message.id, message]))
  for (const message of more) byId.set(message.id, message)
  return inOrder([...byId.values()])
}

function inOrder(messages: readonly Message[]): Message[] {
  return [...messages].sort((a, b) => a.seq - b.seq)
}

function newestSeq(messages: readonly Message[]): number {
  return messages[messages.length - 1]?.seq ?? 0
}

/** The state a fresh fetch of session and newest messages gives. `seq` is the server's newest. */
export function fromFetch(
  session: VisitorSession,
  messages: readonly Message[],
  { hasMore = false, seq = 0 } = {},
): Conversation {
  const ordered = mergeMessages([], messages)
  const live = session.status === 'manual_live'
  return {
    ...EMPTY,
    sessionName: session.session_name,
    status: session.status,
    version: session.version,
    seq: Math.max(seq, newestSeq(ordered)),
    messages: ordered,
    hasMore,
    agent: live ? (session.assigned_agent ?? null) : null,
    rating: session.rating === 'open' ? 'requested' : (session.rating ?? 'none'),
    suggestions: latestSuggestions(ordered),
  }
}

/** Follow-up questions belong to the AI's answer as long as nobody has spoken after it. */
export function latestSuggestions(messages: readonly Message[]): readonly string[] {
  const last = messages[messages.length - 1]
  return last?.role === 'assistant' ? (last.suggestions ?? []) : []
}
