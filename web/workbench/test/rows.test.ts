import { rowsNear } from '../src/ui/useRowWindow'
import { describe, expect, it } from 'vitest'
import type { OutboxEntry } from '@fiido-kefu/transport'
import { rowsOf } from '../src/lib/rows'
import { message } from './fake-desk'

const unsent = (id: string, messageId: string | null = null): OutboxEntry => ({
  clientMessageId: id,
  content: id,
  createdAt: 0,
  phase: 'sent',
  attempts: 0,
  code: null,
  messageId,
})

it('titles each day and puts one name over what one person said in a row', () => {
  const day = 86_400
  const rows = rowsOf(
    [message(1), message(2), message(3, { role: 'agent', agent_id: 'me' }), message(4, { timestamp: 1_700_000_000 + day })],
    [],
    'me',
  )
  expect(rows.map((row) => row.isFirst)).toEqual([true, false, true, true])
  expect(rows.map((row) => row.kind === 'message' && row.opensDay)).toEqual([true, false, false, true])
})

it('never shows an unsent message beside its echo', () => {
  const log = [message(1, { role: 'agent', client_message_id: 'c1' }), message(2, { id: 'm-c2' })]
  const rows = rowsOf(log, [unsent('c1'), unsent('c2', 'm-c2'), unsent('c3')], 'me')
  expect(rows.filter((row) => row.kind === 'unsent').map((row) => row.key)).toEqual(['c3'])
})

it('has one key a row', () => {
  const rows = rowsOf(Array.from({ length: 500 }, (_one, index) => message(index + 1)), [unsent('c')], 'me')
  expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length)
})

it('gives rows the same keys when older ones come above them', () => {
  const log = Array.from({ length: 40 }, (_one, index) => message(index + 1))
  const keys = (messages: typeof log): string[] => rowsOf(messages, [], 'me').map((row) => row.key)
  expect(keys(log).slice(20)).toEqual(keys(log.slice(20)))
})

describe('the queue draws', () => {
  const ends = (top: number, room: number, count: number): unknown[] => {
    const rows = rowsNear(top, room, count)
    return [rows[0], rows[rows.length - 1], rows.length]
  }

  it('what is near, however many there are', () => {
    expect(ends(0, 10, 1000)).toEqual([0, 15, 16])
    expect(ends(500, 10, 1000)).toEqual([494, 515, 22])
    expect(ends(990, 10, 1000)).toEqual([984, 999, 16])
  })

  it('all of a short list, and the end of one that became shorter', () => {
    expect(rowsNear(0, 10, 3)).toEqual([0, 1, 2])
    expect(rowsNear(500, 10, 3)).toEqual([0, 1, 2])
    expect(ends(500, 10, 40)).toEqual([24, 39, 16])
    expect(rowsNear(0, 10, 0)).toEqual([])
  })
})
