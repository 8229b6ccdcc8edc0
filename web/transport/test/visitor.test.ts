import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeBackend } from '../../testing/fake-backend'
import { until } from '../../testing/wait'
import { createVisitor, memoryStore, type Store, type Visitor, type VisitorView } from '../src'

let backend: FakeBackend
const visitors: Visitor[] = []

beforeEach(async () => {
  backend = await new FakeBackend().start()
})
afterEach(async () => {
  visitors.splice(0).forEach((visitor) => visitor.destroy())
  await backend.stop()
})

function visit(store: Store = memoryStore(), more: object = {}): Visitor & { view: VisitorView } {
  const visitor = createVisitor({
    baseUrl: backend.url,
    shop: 'demo',
    store,
    language: () => 'en',
    onChange: () => undefined,
    random: () => 0,
    ...more,
  })
  visitors.push(visitor)
  return visitor
}

const contents = (visitor: Visitor): string[] => visitor.view.conversation.messages.map((message) => message.content)
const live = (visitor: Visitor) => until(() => visitor.view.connection === 'live', 'a live stream')
const settled = (visitor: Visitor) =>
  until(() => !visitor.view.turn && visitor.view.outbox.length === 0, 'an answer in the log')

describe('a visitor', () => {
  it('asks for nothing before the first message', async () => {
    const visitor = visit()
    await visitor.start()
    expect(backend.requests).toEqual([])
    expect(visitor.hasSession).toBe(false)
  })

  it('begins a session with the first message and sees the answer grow, then stored once', async () => {
    const seen: string[] = []
    const visitor = visit(memoryStore(), { onChange: (view: VisitorView) => view.turn && seen.push(view.turn.text) })
    visitor.send('How far?')
    await until(() => visitor.view.conversation.messages.length === 2)
    await settled(visitor)
    expect(contents(visitor)).toEqual(['How far?', 'You said: How far?'])
    expect(new Set(seen).size).toBeGreaterThan(2)
  })

  it('finds its conversation again after a reload', async () => {
    const store = memoryStore()
    const first = visit(store)
    first.send('Hello')
    await settled(first)
    first.destroy()
    const second = visit(store)
    await second.start()
    await live(second)
    expect(contents(second)).toEqual(['Hello', 'You said: Hello'])
  })

  it('keeps what was typed while the server is away, over a reload, and sends it once', async () => {
    const store = memoryStore()
    backend.refuse = () => ({ status: 503, code: 'BUSY' })
    const first = visit(store)
    first.send('Are you there?')
    await until(() => first.view.outbox[0]?.attempts)
    expect(first.view.outbox[0]).toMatchObject({ phase: 'queued', code: 'BUSY' })
    first.destroy()
    backend.refuse = null
    const second = visit(store)
    await second.start()
    await until(() => second.view.conversation.messages.length === 2)
    expect(contents(second)).toEqual(['Are you there?', 'You said: Are you there?'])
    expect(backend.sessions.size).toBe(1)
  })

  it('gets the whole answer when the stream breaks in the middle, and asks nothing twice', async () => {
    backend.answer = () => ({ text: 'A rather long answer, in many pieces, cut in the middle of it.' })
    backend.cutAfter = 3
    const visitor = visit()
    visitor.send('Tell me')
    await until(() => visitor.view.turn?.phase === 'detached' || visitor.view.conversation.messages.length === 2)
    backend.cutAfter = null
    await until(() => visitor.view.conversation.messages.length === 2)
    await settled(visitor)
    expect(contents(visitor)[1]).toMatch(/cut in the middle of it\.$/)
    expect(backend.session().log.filter((entry) => entry['role'] === 'user')).toHaveLength(1)
  })

  it('shows an answer that a takeover cut as interrupted', async () => {
    const slow = await new FakeBackend({ pace: 15 }).start()
    slow.answer = () => ({ text: 'word '.repeat(60) })
    const visitor = visit(memoryStore(), { baseUrl: slow.url })
    visitor.send('Talk')
    await until(() => visitor.view.turn?.text)
    await live(visitor)
    slow.takeover(slow.session())
    await until(() => visitor.view.conversation.messages.some((message) => message.interrupted))
    expect(visitor.view.conversation.status).toBe('manual_live')
    await slow.stop()
  })

  it('brings a message to a person when the AI has been silenced meanwhile', async () => {
    const visitor = visit()
    visitor.send('Hi')
    await settled(visitor)
    await live(visitor)
    const session = backend.session()
    backend.dropStreams(session.name)
    session.status = 'manual_live'
    session.agent = { id: 'a', name: 'Anna' }
    visitor.send('Is this a person?')
    await until(() => session.log.some((entry) => entry['content'] === 'Is this a person?'))
    await until(() => visitor.view.outbox.length === 0)
    expect(contents(visitor).filter((text) => text === 'Is this a person?')).toHaveLength(1)
  })

  it('talks with a person, both ways, each message once', async () => {
    const visitor = visit()
    visitor.send('I want a person')
    await until(() => visitor.view.conversation.status === 'pending_manual')
    await live(visitor)
    const session = backend.session()
    backend.takeover(session)
    backend.say(session, 'agent', 'Hello, Anna here', { agent_name: 'Anna' })
    await until(() => contents(visitor).includes('Hello, Anna here'))
    visitor.send('Great')
    await until(() => contents(visitor).includes('Great'))
    expect(visitor.view.conversation.agent?.name).toBe('Anna')
    backend.release(session)
    await until(() => visitor.view.conversation.rating === 'requested')
    expect(new Set(contents(visitor)).size).toBe(contents(visitor).length)
  })

  it('misses nothing and doubles nothing when the line drops again and again', async () => {
    const visitor = visit()
    visitor.send('I want a person')
    await until(() => visitor.view.conversation.status === 'pending_manual')
    await live(visitor)
    const session = backend.session()
    backend.takeover(session)
    const words = Array.from({ length: 40 }, (_, at) => `word ${at}`)
    for (const [at, word] of words.entries()) {
      backend.say(session, 'agent', word)
      if (at % 7 === 3) backend.dropStreams(session.name)
      if (at % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => contents(visitor).includes('word 39'))
    expect(contents(visitor).filter((text) => text.startsWith('word'))).toEqual(words)
  })

  it('fetches anew when the server can not replay', async () => {
    const visitor = visit()
    visitor.send('Hi')
    await settled(visitor)
    await live(visitor)
    const session = backend.session()
    backend.dropStreams(session.name)
    session.generation = 'g2'
    session.log.push({ seq: 50, type: 'message_added', message_id: 'restored', role: 'assistant', content: 'From the backup', timestamp: 1 })
    await until(() => contents(visitor).includes('From the backup'))
  })

  it('begins a new session when its own is gone, and the message still goes out', async () => {
    const visitor = visit()
    visitor.send('Hi')
    await settled(visitor)
    backend.sessions.clear()
    backend.refuse = (_method, path) => (path === '/api/chat/stream' && backend.sessions.size === 0 && visitor.hasSession ? { status: 403, code: 'SESSION_FORBIDDEN' } : null)
    visitor.send('Still there?')
    await until(() => contents(visitor).includes('You said: Still there?'))
  })

  it('says so when a message is refused for good, and lets the visitor drop it', async () => {
    backend.refuse = (_method, path) => (path === '/api/chat/stream' ? { status: 422, code: 'VALIDATION_ERROR' } : null)
    const visitor = visit()
    visitor.send('bad')
    const entry = await until(() => visitor.view.outbox.find((one) => one.phase === 'failed'))
    expect(entry.code).toBe('VALIDATION_ERROR')
    visitor.discard(entry.clientMessageId)
    expect(visitor.view.outbox).toEqual([])
  })

  it('asks for a person out of nothing: the request itself begins the session', async () => {
    backend.isInShift = false
    const visitor = visit()
    await visitor.escalate('I would like to talk to a person', { message: 'Help', email: 'a@b.example' })
    await until(() => visitor.view.conversation.status === 'after_hours_email')
    const call = backend.requests.find((request) => request.path === '/api/manual/escalate')
    expect(call?.body).toMatchObject({ message: 'Help', email: 'a@b.example' })
  })

  it('loads older messages upwards without doubling any', async () => {
    const store = memoryStore()
    const session = backend.create('long')
    for (let at = 0; at < 130; at += 1) backend.say(session, at % 2 ? 'assistant' : 'user', `message ${at}`)
    store.setItem('fiido-kefu:demo', JSON.stringify({ sessionName: 'long', token: session.token }))
    const visitor = visit(store)
    await visitor.start()
    expect(contents(visitor)[0]).toBe('message 80')
    while (await visitor.loadOlder());
    expect(contents(visitor)).toEqual(Array.from({ length: 130 }, (_, at) => `message ${at}`))
  })
})

describe('after a logout', () => {
  /** A line on which the calls of one path wait until they are let go. */
  function slowLine(path: RegExp) {
    const waiting: (() => void)[] = []
    const calls: Promise<Response>[] = []
    const slow = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      if (!path.test(String(input))) return fetch(input, init)
      const call = new Promise<void>((go) => waiting.push(go)).then(() => fetch(input, init))
      calls.push(call)
      return call
    }
    const letGo = async (): Promise<void> => {
      waiting.splice(0).forEach((go) => go())
      await Promise.allSettled(calls)
    }
    return { waiting, letGo, fetch: slow }
  }

  it.each([
    ['the conversation', /\/sessions\/[^/]+$/],
    ['its messages', /\/messages/],
  ])('%s that was being fetched does not come back', async (_what, path) => {
    const line = slowLine(path)
    const shown = new Set<string>()
    const onChange = ({ conversation }: VisitorView): void => conversation.messages.forEach((one) => shown.add(one.content))
    const visitor = visit(memoryStore(), { fetch: line.fetch, onChange })
    visitor.send('Mine alone')
    await until(() => line.waiting.length > 0)
    shown.clear()
    visitor.forget()
    visitor.send('Somebody else')
    await until(() => backend.sessions.size === 2)
    await until(() => {
      void line.letGo()
      return visitor.view.conversation.messages.length === 2
    })
    await settled(visitor)
    expect([...shown]).toEqual(['Somebody else', 'You said: Somebody else'])
  })

  it('a question that was on its way opens no session', async () => {
    const line = slowLine(/\/chat\/stream/)
    const store = memoryStore()
    const visitor = visit(store, { fetch: line.fetch })
    visitor.send('Mine alone')
    await until(() => line.waiting.length > 0)
    visitor.forget()
    await line.letGo()
    expect(backend.sessions.size).toBe(0)
    expect(store.getItem('fiido-kefu:demo')).toBeNull()
  })

  it('who was meant is not told of the next one, and the next one reads from the start', async () => {
    const visitor = visit()
    visitor.identify({ nickname: 'Ada' })
    visitor.send('Hello')
    await settled(visitor)
    visitor.read(40)
    await until(() => backend.requests.some(({ path }) => path.endsWith('/read')))
    backend.refuse = (_method, path) => (path.endsWith('/identify') ? { status: 503, code: 'BUSY' } : null)
    visitor.identify({ nickname: 'Ada Lovelace' })
    visitor.forget()
    backend.refuse = null
    backend.requests.length = 0
    visitor.send('Somebody else')
    await settled(visitor)
    visitor.read(2)
    await until(() => backend.requests.some(({ path }) => path.endsWith('/read')))
    expect(backend.requests.filter(({ path }) => path.endsWith('/identify'))).toEqual([])
  })
})

describe('two tabs', () => {
  const shared = { locks: navigator.locks, channel: (name: string) => new BroadcastChannel(name) }

  it('share one stream and one conversation; when the leader goes, the other takes over', async () => {
    const store = memoryStore()
    const first = visit(store, shared)
    first.send('Hello')
    await settled(first)
    await live(first)
    const second = visit(store, shared)
    await second.start()
    const session = backend.session()
    const streams = () => backend.streams.get(session.name)?.size ?? 0
    backend.say(session, 'assistant', 'to both')
    await until(() => contents(first).includes('to both') && contents(second).includes('to both'))
    expect(streams()).toBe(1)
    first.destroy()
    await until(() => second.view.connection === 'live' && streams() === 1)
    backend.say(session, 'assistant', 'to the second')
    await until(() => contents(second).includes('to the second'))
  })

  it('see the session that the other one begins', async () => {
    const store = memoryStore()
    const first = visit(store, shared)
    const second = visit(store, shared)
    first.send('Hello')
    await until(() => contents(second).includes('You said: Hello'))
    expect(backend.sessions.size).toBe(1)
  })
})
