/**
 * The log as rows: messages grouped by speaker, a day's title above its first, what is not
 * confirmed yet. Pure. A title is part of its message's row, so that each row keeps its key when
 * older ones come above it: the list holds its place by them.
 */
import type { OutboxEntry } from '@fiido-kefu/transport'
import type { Message } from '../api/wire'
import { dayOf } from './words'

export type Row =
  | { kind: 'message'; key: string; message: Message; isFirst: boolean; opensDay: boolean }
  | { kind: 'unsent'; key: string; entry: OutboxEntry; isFirst: boolean }

/** Messages of one speaker within this time stand together under one name. */
const TOGETHER_SECONDS = 180

function isSameSpeaker(before: Message | undefined, message: Message): boolean {
  return (
    before !== undefined &&
    before.role === message.role &&
    before.role !== 'system' &&
    before.agent_id === message.agent_id &&
    message.timestamp - before.timestamp < TOGETHER_SECONDS
  )
}

export function rowsOf(messages: readonly Message[], unsent: readonly OutboxEntry[], me: string): Row[] {
  const rows: Row[] = []
  let before: Message | undefined
  for (const message of messages) {
    const opensDay = !before || dayOf(before.timestamp) !== dayOf(message.timestamp)
    const isFirst = opensDay || !isSameSpeaker(before, message)
    rows.push({ kind: 'message', key: message.id, message, isFirst, opensDay })
    before = message
  }
  const known = new Set(messages.slice(-80).flatMap((message) => [message.id, message.client_message_id]))
  unsent
    .filter((entry) => !known.has(entry.clientMessageId) && !known.has(entry.messageId))
    .forEach((entry, index) => {
      const follows = index > 0 || (before?.role === 'agent' && before.agent_id === me)
      rows.push({ kind: 'unsent', key: entry.clientMessageId, entry, isFirst: !follows })
    })
  return rows
}
