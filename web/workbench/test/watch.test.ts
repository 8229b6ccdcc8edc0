import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../testing/wait'
import { createApi, type Api } from '../src/api/client'
import type { Message, SessionState } from '../src/api/wire'
import { isGone, watchConversation, type Watch, type WatchView } from '../src/lib/watch'
import { FakeDesk, failure, message } from './fake-desk'

const PATH = '/api/sessions/s'
let desk: FakeDesk
let api: Api
let watch: Watch
let view: WatchView
let log: Message[]
let session: SessionState

const texts = (): string[] => view.log.messages.map((one) => one.content)
const push = (event: object): void => desk.push(`${PATH}/events`, event as never)
const added = ({ id, ...rest }: Message): object => ({ type: rest.role === 'agent' ? 'manual_message' : 'message_added', message_id: id, ...rest })

function open(): void {
  watch = watchConversation({ api, name: 's', onChange: (next) => (view = next), onMessages: () => undefined })
}

beforeEach(() => {
  desk = new FakeDesk()
  api = createApi({ baseUrl: '', language: () => 'en', fetch: desk.fetch, onSession: () => undefined, onExpired: () => undefined })
  log = [message(1), message(2, { role: 'assistant' })]
  session = { session_name: 's', status: 'bot_active', user_profile: {}, created_at: 0, updated_at: 0, version: 3 }
  desk.on('GET', PATH, () => ({ body: { success: true, data: { session, audit_trail: [] } } }))
  desk.on('GET', `${PATH}/messages`, ({ path }) => {
    const before = new URLSearchParams(path.split('?')[1]).get('before')
    const end = before ? log.findIndex((one) => one.id === before) : log.length
    const start = Math.max(0, end - 50)
    return { body: { success: true, data: { messages: log.slice(start, end), has_more: start > 0 } } }
  })
})
afterEach(() => watch.stop())

describe('a conversation', () => {
  it('equals a fresh fetch after the events it missed, whatever comes twice', async () => {
    open()
    await until(() => !view.isLoading && view.line === 'open')
    const answer = message(4, { role: 'agent', agent_id: 'me' })
    push({ type: 'status_change', seq: 3, status: 'manual_live', previous: 'pending_manual', reason: 'takeover', timestamp: 1, version: 4, agent_info: { id: 'me', name: 'Mia' } })
    for (const _twice of [1, 2]) push(added(answer))
    await until(() => texts().length === 3)
    log = [...log, answer]
    session = { ...session, status: 'manual_live', version: 4, assigned_agent: { id: 'me', name: 'Mia' } }
    const reduced = view.log
    watch.stop()
    open()
    await until(() => !view.isLoading)
    expect(view.log.messages.map((one) => one.id)).toEqual(reduced.messages.map((one) => one.id))
    expect(view.log.status).toBe(reduced.status)
    expect(view.log.agent).toEqual(reduced.agent)
    expect(view.log.version).toBe(reduced.version)
  })

  it('shows what came while it was being fetched', async () => {
    let letGo: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (letGo = resolve))
    desk.on('GET', PATH, async () => {
      await gate
      return { body: { success: true, data: { session, audit_trail: [] } } }
    })
    open()
    await until(() => view.line === 'open')
    push(added(message(3)))
    letGo()
    await until(() => texts().length === 3)
    expect(texts()).toEqual(['text 1', 'text 2', 'text 3'])
  })

  it('misses nothing that came after it was fetched and before its stream began', async () => {
    const openStreams = desk.holdStreams()
    open()
    await until(() => !view.isLoading)
    log = [...log, message(3)]
    openStreams()
    await until(() => texts().length === 3)
  })

  it('keeps showing agents what the visitor has cleared', async () => {
    open()
    await until(() => !view.isLoading && view.line === 'open')
    push({ type: 'history_cleared', seq: 3, timestamp: 1 })
    push(added(message(4)))
    await until(() => texts().length === 3)
  })

  it('shows the visitor typing, until they have written', async () => {
    open()
    await until(() => !view.isLoading && view.line === 'open')
    push({ type: 'typing', role: 'user' })
    await until(() => view.visitorTypesUntil > Date.now())
    push(added(message(3)))
    await until(() => view.visitorTypesUntil === 0)
  })

  it('loads upwards without losing its place in time', async () => {
    log = Array.from({ length: 130 }, (_one, index) => message(index + 1))
    open()
    await until(() => !view.isLoading)
    expect(view.log.messages).toHaveLength(50)
    await watch.loadOlder()
    await watch.loadOlder()
    expect(view.log.messages).toHaveLength(130)
    expect(view.log.hasMore).toBe(false)
    const seqs = view.log.messages.map((one) => one.seq)
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  })

  it('that is gone says so', async () => {
    desk.on('GET', `${PATH}/messages`, () => ({ status: 404, body: failure('NOT_FOUND') }))
    open()
    await until(() => view.error !== null)
    expect(isGone(view.error)).toBe(true)
  })
})
