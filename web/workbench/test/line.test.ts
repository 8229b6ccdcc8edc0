import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { until } from '../../testing/wait'
import { createApi, type Api } from '../src/api/client'
import type { SessionSummary } from '../src/api/wire'
import { openLine, type Line, type LineView } from '../src/lib/line'
import { FakeDesk, summary } from './fake-desk'

const EVENTS = '/api/agent/events'
let desk: FakeDesk
let api: Api
let line: Line
let view: LineView
let sessions: SessionSummary[]
const onNews = vi.fn()
const onEvent = vi.fn()
const nowhere = {
  addEventListener: (kind: string, act: () => void) => {
    if (kind === 'pageshow') isBack = act
  },
  removeEventListener: () => undefined,
}
const names = (): string[] => [...view.backlog.keys()].sort()

let isBack: () => void

function open(isLive = true, now = Date.now): void {
  line = openLine({
    api,
    isLive,
    onChange: (next) => (view = next),
    onNews,
    onEvent,
    onServerTime: () => undefined,
    now,
    window: { ...nowhere, document: nowhere } as never,
  })
}

beforeEach(() => {
  desk = new FakeDesk()
  api = createApi({ baseUrl: '', language: () => 'en', fetch: desk.fetch, onSession: () => undefined, onExpired: () => undefined })
  sessions = [summary('a'), summary('b')]
  onNews.mockReset()
  onEvent.mockReset()
  desk.on('GET', '/api/sessions', ({ path }) => {
    const query = new URLSearchParams(path.split('?')[1])
    const all = sessions.filter((one) => !query.has('status') || one.status === query.get('status'))
    const offset = Number(query.get('offset'))
    const page = all.slice(offset, offset + 100)
    return { body: { success: true, data: { sessions: page, total: all.length, limit: 100, offset, has_more: false } } }
  })
})
afterEach(() => line.stop())

describe('the queue', () => {
  it('is fetched once and then lives by its stream', async () => {
    open()
    await until(() => !view.isLoading && view.phase === 'open')
    const fetches = desk.count('GET', '/api/sessions')
    desk.push(EVENTS, { type: 'session_created', session: summary('c') } as never, '1-0')
    desk.push(EVENTS, { type: 'session_updated', session: summary('a', { version: 2, unread: 3 }) } as never, '2-0')
    await until(() => view.backlog.get('a')?.unread === 3)
    expect(names()).toEqual(['a', 'b', 'c'])
    expect(view.total).toBe(3)
    expect(desk.count('GET', '/api/sessions')).toBe(fetches)
  })

  it('misses nobody who came after it was fetched and before its stream began', async () => {
    const openStreams = desk.holdStreams()
    open()
    await until(() => !view.isLoading)
    sessions = [...sessions, summary('c')]
    openStreams()
    await until(() => names().join() === 'a,b,c')
  })

  it('passes on what is new once, with what was before', async () => {
    open()
    await until(() => !view.isLoading && view.phase === 'open')
    for (const version of [2, 2, 3, 1]) {
      desk.push(EVENTS, { type: 'session_updated', session: summary('a', { version }) } as never)
    }
    await until(() => onNews.mock.calls.length > 0)
    expect(onNews.mock.calls).toHaveLength(1)
    const [changes] = onNews.mock.calls[0] as [{ before: SessionSummary; after: SessionSummary }[]]
    expect(changes.map((one) => [one.before.version, one.after.version])).toEqual([[1, 3]])
  })

  it('forgets on a resync what is not there any more, and keeps what came meanwhile', async () => {
    open()
    await until(() => !view.isLoading && view.phase === 'open')
    sessions = [summary('b', { version: 4 })]
    desk.push(EVENTS, { type: 'resync' })
    desk.push(EVENTS, { type: 'session_created', session: summary('d', { version: 9 }) } as never)
    await until(() => names().join() === 'b,d')
    expect(view.backlog.get('b')?.version).toBe(4)
  })

  it('drops who expired, and takes them as new when they come back', async () => {
    sessions = [summary('a', { version: 7 }), summary('b')]
    open()
    await until(() => !view.isLoading && view.phase === 'open')
    desk.push(EVENTS, { type: 'session_updated', session: summary('a', { version: 8 }) } as never)
    desk.push(EVENTS, { type: 'session_expired', session_name: 'a' } as never)
    await until(() => names().join() === 'b')
    expect(view.total).toBe(1)
    desk.push(EVENTS, { type: 'session_created', session: summary('a', { version: 1 }) } as never)
    await until(() => names().join() === 'a,b')
    expect(view.total).toBe(2)
  })

  it('loads a thousand waiting ones page by page', async () => {
    sessions = Array.from({ length: 1000 }, (_one, index) => summary(`s${index}`))
    open()
    await until(() => !view.isLoading)
    expect(view.backlog.size).toBe(1000)
  })

  it('says that more than a thousand wait, and fetches the rest when half of them are served', async () => {
    sessions = Array.from({ length: 1200 }, (_one, index) => summary(`s${index}`))
    open()
    await until(() => !view.isLoading && view.phase === 'open')
    expect([...view.cut]).toEqual(['pending_manual'])
    expect(view.backlog.has('s1199')).toBe(false)
    const served = sessions.slice(0, 501).map((one) => ({ ...one, status: 'closed' as const, version: 2 }))
    sessions = [...sessions.slice(501), ...served]
    for (const session of served) desk.push(EVENTS, { type: 'session_updated', session } as never)
    await until(() => view.backlog.has('s1199'))
    expect(view.cut.size).toBe(0)
  })

  it('says what is wrong and recovers with the line', async () => {
    desk.isDown = true
    open()
    await until(() => view.error !== null && view.phase === 'waiting')
    desk.isDown = false
    await until(() => view.backlog.size === 2 && view.error === null)
  })
})

it('is read again when somebody comes back to it who gets no live updates, and never in between', async () => {
  open(false)
  await until(() => !view.isLoading)
  expect(desk.calls.some((call) => call.path === EVENTS)).toBe(false)
  sessions = [summary('c')]
  isBack()
  await until(() => names().join() === 'c')
})

it('knows when it was heard last before it broke', async () => {
  let time = 1000
  open(true, () => time)
  await until(() => view.phase === 'open')
  time = 5000
  desk.push(EVENTS, { type: 'agent_status', agent: { id: 'x' } } as never)
  await until(() => onEvent.mock.calls.length === 1)
  time = 99_000
  desk.streams.get(EVENTS)!.close()
  await until(() => view.phase === 'waiting')
  expect(view.heardAt).toBe(5000)
})

it('hands on what is about agents', async () => {
  open()
  await until(() => view.phase === 'open')
  desk.push(EVENTS, { type: 'agent_status', agent: { id: 'x' } } as never)
  await until(() => onEvent.mock.calls.length === 1)
})
