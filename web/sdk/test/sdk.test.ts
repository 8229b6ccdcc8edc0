// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

interface Loader {
  [name: string]: (...args: unknown[]) => unknown
}
const ORIGIN = 'https://kefu.example'
const page = window as unknown as { FiidoKefu?: Loader | unknown[]; FiidoKefuConfig?: object; FiidoChat?: Loader }
const api = (): Loader => page.FiidoKefu as Loader
const host = (): HTMLElement | null => document.querySelector('[data-fiido-kefu]')
const inside = <T extends Element>(selector: string): T => host()!.shadowRoot!.querySelector<T>(selector)!
const frame = (): HTMLIFrameElement | null => inside('iframe')

async function load(config: object | null = { shop: 'demo', baseUrl: ORIGIN }): Promise<void> {
  if (config) page.FiidoKefuConfig = config
  vi.resetModules()
  await import('../src')
}

/** The window in the frame speaks. */
function say(data: object, origin = ORIGIN, source: unknown = frame()?.contentWindow): void {
  const event = new Event('message')
  Object.assign(event, { data: { kefu: 1, ...data }, origin, source })
  window.dispatchEvent(event)
}

/** happy-dom loads no frames; each one here gets a window of its own to be spoken to. */
const windows = new WeakMap<HTMLIFrameElement, { postMessage: ReturnType<typeof vi.fn> }>()
Object.defineProperty(HTMLIFrameElement.prototype, 'src', {
  get(this: HTMLIFrameElement) {
    return this.getAttribute('data-src') ?? ''
  },
  set(this: HTMLIFrameElement, value: string) {
    this.setAttribute('data-src', value)
  },
})
Object.defineProperty(HTMLIFrameElement.prototype, 'contentWindow', {
  get(this: HTMLIFrameElement) {
    if (!windows.has(this)) windows.set(this, { postMessage: vi.fn() })
    return windows.get(this)
  },
})

beforeEach(() => {
  window.matchMedia = vi.fn().mockReturnValue({ matches: false }) as never
  localStorage.clear()
})
afterEach(() => {
  if (page.FiidoKefu && !Array.isArray(page.FiidoKefu)) api()['destroy']!()
  delete page.FiidoKefu
  delete page.FiidoKefuConfig
  document.body.replaceChildren()
})

describe('the loader', () => {
  it('draws a button and asks for nothing and stores nothing until the visitor acts', async () => {
    const fetched = vi.spyOn(window, 'fetch')
    await load()
    expect(inside('button.l')).not.toBeNull()
    expect(frame()).toBeNull()
    expect(fetched).not.toHaveBeenCalled()
    expect(localStorage.length).toBe(0)
    inside<HTMLButtonElement>('button.l').click()
    expect(frame()?.src).toContain(`${ORIGIN}/embed?shop=demo`)
  })

  it('stays silent until it is told a shop', async () => {
    await load(null)
    delete page.FiidoKefuConfig
    expect(host()).toBeNull()
  })

  it('is there once, however often the line or init is', async () => {
    await load()
    const first = api()
    vi.resetModules()
    await import('../src')
    first['init']!({ shop: 'demo' })
    page.FiidoChat!['init']!({ shop: 'demo' })
    expect(api()).toBe(first)
    expect(document.querySelectorAll('[data-fiido-kefu]')).toHaveLength(1)
  })

  it('carries out what was asked before it came', async () => {
    page.FiidoKefu = [['open'], ['sendMessage', 'Hello']]
    await load()
    expect(frame()).not.toBeNull()
    const post = windows.get(frame()!)?.postMessage ?? vi.mocked(frame()!.contentWindow!.postMessage)
    say({ is: 'ready' })
    const sent = post.mock.calls.map(([message]) => message as { do: string; text?: string })
    expect(sent.find((message) => message.do === 'sendMessage')?.text).toBe('Hello')
    for (const [, target] of post.mock.calls) expect(target).toBe(ORIGIN)
  })

  it('believes the window in its own frame only', async () => {
    await load()
    api()['open']!()
    const unread = vi.fn()
    api()['on']!('unread', unread)
    say({ is: 'unread', count: 3 }, 'https://evil.example')
    say({ is: 'unread', count: 3 }, ORIGIN, window)
    expect(unread).not.toHaveBeenCalled()
    say({ is: 'unread', count: 3 })
    expect(unread).toHaveBeenCalledWith({ count: 3 })
  })

  it('counts unread on the button and in the title, and gives the title back', async () => {
    document.title = 'A shop'
    await load()
    api()['open']!()
    api()['close']!()
    say({ is: 'unread', count: 2 })
    expect(document.title).toBe('(2) A shop')
    expect(inside('.b').textContent).toBe('2')
    say({ is: 'unread', count: 0 })
    expect(document.title).toBe('A shop')
  })

  it('gives back how to stop listening, and survives a listener that throws', async () => {
    await load()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const opened = vi.fn()
    api()['on']!('open', () => {
      throw new Error('theirs')
    })
    const undo = api()['on']!('open', opened) as () => void
    api()['open']!()
    expect(opened).toHaveBeenCalledOnce()
    undo()
    api()['close']!()
    api()['open']!()
    expect(opened).toHaveBeenCalledOnce()
    expect(warn).toHaveBeenCalled()
  })

  it('tells the page by DOM events too', async () => {
    await load()
    const opened = vi.fn()
    document.addEventListener('fiido-kefu:open', opened, { once: true })
    api()['open']!()
    expect(opened).toHaveBeenCalledOnce()
  })

  it('picks up a conversation on the next page only after one was begun', async () => {
    await load()
    api()['open']!()
    say({ is: 'active', active: true })
    expect(localStorage.getItem('fiido-kefu')).toBe('open')
    api()['destroy']!()
    delete page.FiidoKefu
    await load()
    await vi.waitUntil(() => frame())
    api()['logout']!()
    expect(localStorage.length).toBe(0)
  })

  it('lives with storage that throws', async () => {
    const broken = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new Error('blocked')
    })
    await load()
    api()['open']!()
    expect(() => say({ is: 'active', active: true })).not.toThrow()
    broken.mockRestore()
  })

  it('comes as an element, and goes with it', async () => {
    await load(null)
    document.body.insertAdjacentElement('beforeend', Object.assign(document.createElement('fiido-chat')))
    expect(host()).not.toBeNull()
    document.querySelector('fiido-chat')!.remove()
    expect(host()).toBeNull()
  })

  it('says when it is ready, also to those who ask late', async () => {
    await load()
    api()['open']!()
    const early = api()['whenReady']!() as Promise<void>
    say({ is: 'ready' })
    await early
    await api()['whenReady']!()
  })

  it('on a phone gives the history back as it found it', async () => {
    window.matchMedia = vi.fn().mockReturnValue({ matches: true }) as never
    history.replaceState({ spa: 'state' }, '')
    await load()
    api()['open']!()
    expect(history.state).toMatchObject({ spa: 'state', fiidoKefu: 1 })
    expect(document.documentElement.style.overflow).toBe('hidden')
    const back = vi.spyOn(history, 'back').mockImplementation(() => undefined)
    api()['close']!()
    expect(back).toHaveBeenCalledOnce()
    expect(document.documentElement.style.overflow).toBe('')
  })
})
