import { ApiError, memoryStore, type OutboxEntry, type Store } from '@fiido-kefu/transport'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { until } from '../../testing/wait'
import { createDelivery, type Delivery } from '../src/lib/delivery'
import { message } from './fake-desk'

type Sent = { session_name: string; content: string; client_message_id: string }
let store: Store
let sent: Sent[]
let answer: (body: Sent) => unknown
let shown: Map<string, readonly OutboxEntry[]>
let onRefused: ReturnType<typeof vi.fn<(session: string, error: ApiError) => void>>

function begin(): Delivery {
  let number = sent.length
  const post = async (_path: string, body: unknown): Promise<never> => {
    sent.push(body as Sent)
    return answer(body as Sent) as never
  }
  return createDelivery({
    api: { post: post as never },
    store,
    prefix: 'test:',
    onChange: (session, entries) => void shown.set(session, entries),
    onRefused,
    newId: () => `c${(number += 1)}`,
    random: () => 0,
  })
}
const phases = (session = 's'): string[] => (shown.get(session) ?? []).map((entry) => entry.phase)
const accept = (body: Sent): unknown => ({ data: { message_id: `m-${body.client_message_id}` } })
const refuse = (code: string, status: number) => (): never => {
  throw new ApiError(code, code, status)
}

beforeEach(() => {
  store = memoryStore()
  sent = []
  shown = new Map()
  onRefused = vi.fn<(session: string, error: ApiError) => void>()
  answer = accept
})

describe('a message', () => {
  it('is shown at once, sent in order, and gives way to its echo', async () => {
    const delivery = begin()
    delivery.send('s', 'one')
    delivery.send('s', 'two')
    expect(shown.get('s')?.map((entry) => entry.content)).toEqual(['one', 'two'])
    await until(() => phases().every((phase) => phase === 'sent'))
    expect(sent.map((body) => body.content)).toEqual(['one', 'two'])
    delivery.confirm('s', [message(1, { client_message_id: 'c1' }), message(2, { id: 'm-c2' })])
    expect(shown.get('s')).toEqual([])
  })

  it('goes again by itself under the same id after a break', async () => {
    let isDown = true
    answer = (body) => (isDown ? refuse('OFFLINE', 0)() : accept(body))
    const delivery = begin()
    delivery.send('s', 'one')
    await until(() => sent.length >= 1)
    isDown = false
    await until(() => phases()[0] === 'sent')
    expect(new Set(sent.map((body) => body.client_message_id))).toEqual(new Set(['c1']))
  })

  it('that is refused stays with its reason until it is taken back', async () => {
    answer = refuse('NOT_ASSIGNED', 409)
    const delivery = begin()
    delivery.send('s', 'too late')
    await until(() => phases()[0] === 'failed')
    expect(onRefused).toHaveBeenCalledWith('s', expect.objectContaining({ code: 'NOT_ASSIGNED' }))
    expect(delivery.problem('c1')).toMatchObject({ code: 'NOT_ASSIGNED' })
    expect(delivery.takeBack('s', 'c1')).toBe('too late')
    expect(shown.get('s')).toEqual([])
  })

  it('can be tried again after a refusal', async () => {
    answer = refuse('INVALID_STATUS', 409)
    const delivery = begin()
    delivery.send('s', 'again')
    await until(() => phases()[0] === 'failed')
    answer = accept
    delivery.retry('s', 'c1')
    await until(() => phases()[0] === 'sent')
  })
})

describe('a login that ended', () => {
  it('holds messages back, keeps them over a reload, and sends them after the next login', async () => {
    answer = refuse('TOKEN_EXPIRED', 401)
    const before = begin()
    before.send('s', 'kept')
    await until(() => sent.length === 1 && phases()[0] === 'queued')
    before.stop()
    shown.clear()
    answer = accept
    const after = begin()
    expect(shown.get('s')?.map((entry) => entry.content)).toEqual(['kept'])
    after.resume()
    await until(() => phases()[0] === 'sent')
    expect(sent.map((body) => body.client_message_id)).toEqual(['c1', 'c1'])
  })

  it('leaves a message to the next login, whatever the answer on its way says', async () => {
    let refuseNow: () => void = () => undefined
    answer = () => new Promise((_, reject) => (refuseNow = () => reject(new ApiError('TOKEN_REVOKED', '', 401))))
    const before = begin()
    before.send('s', 'kept')
    before.stop()
    answer = accept
    const after = begin()
    after.resume()
    await until(() => phases()[0] === 'sent')
    after.confirm('s', [message(1, { client_message_id: 'c1' })])
    refuseNow()
    await new Promise((resolve) => setTimeout(resolve))
    expect(shown.get('s')).toEqual([])
  })

  it('does not show one agent the unsent words of another', async () => {
    answer = refuse('TOKEN_EXPIRED', 401)
    begin().send('s', 'kept')
    await until(() => sent.length === 1)
    shown.clear()
    createDelivery({ api: { post: vi.fn() }, store, prefix: 'other:', onChange: (session, entries) => void shown.set(session, entries), onRefused })
    expect(shown.size).toBe(0)
  })
})
