/** The conversation as rows of a list: days, groups, what is on its way, and the running answer. */
import type { Message, Turn } from '@fiido-kefu/protocol'
import type { OutboxEntry } from '@fiido-kefu/transport'
import { sameDay } from '../lib/time'

export type Row =
  | { key: string; kind: 'start' }
  | { key: string; kind: 'day'; timestamp: number }
  | { key: string; kind: 'message'; message: Message; isFirst: boolean; isLast: boolean }
  | { key: string; kind: 'notice'; message: Message }
  | { key: string; kind: 'pending'; entry: OutboxEntry; isFirst: boolean; waitsForTurn: boolean }
  | { key: string; kind: 'turn'; isFirst: boolean }
  | { key: string; kind: 'typing' }
  | { key: string; kind: 'rating' }

/** A pause this long begins a new group even of the same speaker. */
const GROUP_SECONDS = 300
/** In a short conversation everyone sees where it begins. */
const LONG = 30

export function logRows(messages: readonly Message[], hasMore: boolean): Row[] {
  const rows: Row[] = hasMore || messages.length < LONG ? [] : [{ key: 'start', kind: 'start' }]
  messages.forEach((message, at) => {
    const before = messages[at - 1]
    const after = messages[at + 1]
    if (!before || !sameDay(before.timestamp, message.timestamp)) {
      rows.push({ key: `day-${message.id}`, kind: 'day', timestamp: message.timestamp })
    }
    rows.push(rowOf(message, before, after))
  })
  return rows
}

function rowOf(message: Message, before: Message | undefined, after: Message | undefined): Row {
  const key = message.client_message_id ?? message.id
  if (message.role === 'system') return { key, kind: 'notice', message }
  return {
    key,
    kind: 'message',
    message,
    isFirst: !before || !sameGroup(before, message),
    isLast: !after || !sameGroup(message, after),
  }
}

function sameGroup(a: Message, b: Message): boolean {
  return (
    a.role === b.role &&
    a.agent_name === b.agent_name &&
    b.timestamp - a.timestamp < GROUP_SECONDS &&
    sameDay(a.timestamp, b.timestamp)
  )
}

/** What the log does not have yet, in the order it will have it. */
export function tailRows(
  messages: readonly Message[],
  outbox: readonly OutboxEntry[],
  turn: Pick<Turn, 'clientMessageId' | 'messageId'> | null,
): Row[] {
  const recent = messages.slice(-60)
  const logged = new Set(recent.map((message) => message.client_message_id))
  const ids = new Set(recent.map((message) => message.id))
  const rows: Row[] = []
  const lastRole = messages[messages.length - 1]?.role
  const pending = outbox.filter(
    (entry) => !logged.has(entry.clientMessageId) && !ids.has(entry.messageId ?? ''),
  )
  const showsTurn = turn !== null && !ids.has(turn.messageId ?? '')
  let placed = !showsTurn
  const place = (): void => {
    rows.push({ key: turn?.messageId ?? 'turn', kind: 'turn', isFirst: true })
    placed = true
  }
  if (showsTurn && !pending.some((entry) => entry.clientMessageId === turn.clientMessageId)) place()
  pending.forEach((entry, at) => {
    const waitsForTurn = placed && showsTurn
    const isFirst = at === 0 ? lastRole !== 'user' || rows.length > 0 : false
    rows.push({ key: entry.clientMessageId, kind: 'pending', entry, isFirst, waitsForTurn })
    if (!placed && entry.clientMessageId === turn?.clientMessageId) place()
  })
  return rows
}
