import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeBackend } from '../../testing/fake-backend'
import { until } from '../../testing/wait'
import { createVisitor, memoryStore, type Visitor } from '../src'

let backend: FakeBackend
let visitor: Visitor
let fetching: typeof fetch
const onUserRefused = vi.fn()

/** A window that only says what happens to its page. */
const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
const page = Object.assign(new EventTarget(), { document }) as unknown as Window

/** A browser that freezes a page cuts its streams without a word. */
function freeze(): void {
  page.dispatchEvent(new Event('pagehide'))
  backend.dropStreams(backend.session().name)
}
function thaw(): void {
  page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
}

beforeEach(async () => {
  backend = await new FakeBackend().start()
  fetching = (input, init) => fetch(input, init)
  visitor = createVisitor({
    baseUrl: backend.url, shop: 'demo', store: memoryStore(), language: () => 'en', onChange: () => undefined,
    random: () => 0, window: page, fetch: (input, init) => fetching(input, init), onUserRefused,
  })
  visitor.send('Hello')
  await until(() => visitor.view.conversation.messages.length === 2 && visitor.view.connection === 'live')
})
afterEach(async () => {
  visitor.destroy()
  await backend.stop()
})

describe('an older browser', () => {
  it('talks without what came later: combined signals, random names', async () => {
    const [any, name] = [AbortSignal.any, crypto.randomUUID]
    Object.assign(AbortSignal, { any: undefined })
    Object.defineProperty(crypto, 'randomUUID', { configurable: true, value: undefined })
    try {
      visitor.send('Hello again')
      await until(() => visitor.view.conversation.messages.length === 4 && !visitor.view.turn)
      visitor.forget()
      expect(visitor.view.conversation.messages).toEqual([])
    } finally {
      Object.assign(AbortSignal, { any })
      Object.defineProperty(crypto, 'randomUUID', { configurable: true, value: name })
    }
  })
})

describe('a page that comes back', () => {
  it('from the back-forward cache has all that was said meanwhile, once, and goes on', async () => {
    freeze()
    backend.say(backend.session(), 'agent', 'Said while the page was away')
    thaw()
    await until(() => visitor.view.conversation.messages.length === 3)
    visitor.send('And back')
    await until(() => visitor.view.conversation.messages.length === 5)
    const said = visitor.view.conversation.messages.map((message) => message.content)
    expect(said.slice(0, 3)).toEqual(['Hello', 'You said: Hello', 'Said while the page was away'])
    expect(new Set(said).size).toBe(5)
  })

  it('after the network was away does not wait out its patience', async () => {
    fetching = () => Promise.reject(new TypeError('offline'))
    backend.dropStreams(backend.session().name)
    await until(() => visitor.view.connection === 'offline')
    backend.say(backend.session(), 'agent', 'Said offline')
    fetching = (input, init) => fetch(input, init)
    page.dispatchEvent(new Event('online'))
    await until(() => visitor.view.conversation.messages.length === 3)
  })
})

describe('what the page says of the visitor', () => {
  it('is told to be refused where it is, and only there', async () => {
    visitor.identify({ nickname: 'Ada' }, 'good')
    await until(() => backend.requests.filter((one) => one.path.endsWith('/identify')).length === 1)
    backend.refuse = (_method, path) => (path.endsWith('/identify') ? { status: 422, code: 'VALIDATION_ERROR' } : null)
    visitor.identify({ nickname: 'Ada', vip: true }, 'forged')
    await until(() => onUserRefused.mock.calls.length > 0)
    expect(onUserRefused).toHaveBeenCalledOnce()
  })
})
