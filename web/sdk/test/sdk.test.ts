// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

interface Loader {
  [name: string]: (...args: unknown[]) => unknown
}
const ORIGIN = 'https://kefu.example'
const page = window as unknown as {
  FiidoKefu?: Loader | unknown[]
  FiidoKefuConfig?: object
  FiidoChat?: Loader
  /** In the served script a constant of its block. */
  FIIDO_KEFU_SHOP?: object
}
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
  delete page.FIIDO_KEFU_SHOP
  document.documentElement.lang = ''
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
    expect(localStorage.getItem('fiido-kefu@demo')).toBe('open')
    api()['destroy']!()
    delete page.FiidoKefu
    await load()
    await vi.waitUntil(() => frame())
    api()['logout']!()
    expect(localStorage.length).toBe(0)
  })

  it('leaves the conversation with another shop of the same site alone', async () => {
    localStorage.setItem('fiido-kefu@other', 'open')
    await load(null)
    const idle = vi.spyOn(localStorage, 'getItem')
    api()['init']!({ shop: 'demo', baseUrl: ORIGIN })
    await vi.waitUntil(() => idle.mock.calls.length > 0)
    expect(frame()).toBeNull()
  })

  it('has the window forget who was there before, however early the page says so', async () => {
    localStorage.setItem('fiido-kefu@demo', 'closed')
    await load()
    api()['logout']!()
    api()['setUser']!({ nickname: 'Ben' })
    expect(localStorage.length).toBe(0)
    const { postMessage } = frame()!.contentWindow as unknown as { postMessage: ReturnType<typeof vi.fn> }
    expect(postMessage).not.toHaveBeenCalled()
    say({ is: 'ready' })
    const orders = postMessage.mock.calls.map(([order]) => (order as { do: string }).do)
    expect(orders).toEqual(['options', 'logout', 'setUser', 'visible'])
  })

  it('may be called by who hears that it opened', async () => {
    await load(null)
    api()['on']!('open', () => api()['sendMessage']!('Hello'))
    api()['init']!({ shop: 'demo', baseUrl: ORIGIN, open: true })
    expect(document.querySelectorAll('[data-fiido-kefu]')).toHaveLength(1)
    const { postMessage } = frame()!.contentWindow as unknown as { postMessage: ReturnType<typeof vi.fn> }
    say({ is: 'ready' })
    expect(postMessage).toHaveBeenCalledWith({ kefu: 1, do: 'sendMessage', text: 'Hello' }, ORIGIN)
  })

  it('comes back to a page that swaps its body, and tells the new frame what it knows', async () => {
    await load()
    api()['open']!()
    say({ is: 'ready' })
    for (const swap of [() => document.body.replaceWith(document.createElement('body')), () => document.body.replaceChildren()]) {
      swap()
      await vi.waitUntil(() => host()?.isConnected)
      const post = vi.mocked(frame()!.contentWindow!.postMessage)
      post.mockClear()
      api()['update']!({ label: 'not said to a frame that loads' })
      expect(post).not.toHaveBeenCalled()
      say({ is: 'ready' })
      expect(post).toHaveBeenCalledWith({ kefu: 1, do: 'visible', visible: true, fullScreen: false }, ORIGIN)
    }
    api()['destroy']!()
    document.body.replaceChildren()
    await Promise.resolve()
    expect(host()).toBeNull()
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

describe("the shop's configuration in the loader", () => {
  const LOOK = {
    shop: 'berlin', color: '#ff8800', position: 'left', offset: { x: 40, y: 90 }, zIndex: 70, theme: 'dark',
    languages: ['de', 'zh'], labels: { de: 'Fragen?', zh: '咨询' },
  }
  const drawn = (name: string): string => inside<HTMLElement>('.x').style.getPropertyValue(name)
  const label = (): string => inside('.t').textContent

  it('is drawn without a click, and the line alone is enough', async () => {
    page.FIIDO_KEFU_SHOP = LOOK
    document.documentElement.lang = 'zh-CN'
    await load(null)
    expect(['--c', '--x', '--y', '--z'].map(drawn)).toEqual(['#ff8800', '40px', '90px', '70'])
    expect(inside('.x').classList.contains('left')).toBe(true)
    expect(label()).toBe('咨询')
    expect(inside('.l').getAttribute('aria-label')).toBe('咨询')
    expect(frame()).toBeNull()
    api()['open']!()
    expect(frame()?.src).toMatch(/shop=berlin.*theme=dark.*color=%23ff8800/)
  })

  it("gives way to the page's word, and comes back when the page takes that back", async () => {
    page.FIIDO_KEFU_SHOP = LOOK
    await load({ position: 'right', offset: { x: 5 }, label: '' })
    expect(inside('.x').classList.contains('left')).toBe(false)
    expect([drawn('--x'), drawn('--y'), drawn('--z'), label()]).toEqual(['5px', '90px', '70', ''])
    api()['update']!({ position: null, color: '#123456', label: null })
    expect(inside('.x').classList.contains('left')).toBe(true)
    expect([drawn('--c'), label()]).toEqual(['#123456', 'Fragen?'])
    api()['update']!({ color: null })
    expect(drawn('--c')).toBe('#ff8800')
  })

  it("is none of another shop's", async () => {
    page.FIIDO_KEFU_SHOP = LOOK
    await load({ shop: 'wien' })
    expect(['--c', '--z'].map(drawn)).toEqual(['', ''])
    expect(inside('.x').classList.contains('left')).toBe(false)
  })

  it('speaks a language that the shop speaks, unless the page asks for another', async () => {
    page.FIIDO_KEFU_SHOP = LOOK
    document.documentElement.lang = 'en'
    await load(null)
    expect(label()).toBe('Fragen?')
    api()['update']!({ language: 'zh' })
    expect(label()).toBe('咨询')
    api()['update']!({ language: 'pl' })
    expect([label(), inside('.l').getAttribute('aria-label')]).toEqual(['', 'Czat'])
  })

  it("keeps the window's shade of a colour until the page names another", async () => {
    await load({ shop: 'demo', baseUrl: ORIGIN, color: '#000001' })
    api()['open']!()
    say({ is: 'look', color: '#223344', ink: '#ffffff' })
    api()['update']!({ label: 'Hi' })
    expect([drawn('--c'), drawn('--i')]).toEqual(['#223344', '#ffffff'])
    api()['update']!({ color: '#ffffff' })
    expect([drawn('--c'), drawn('--i')]).toEqual(['#ffffff', ''])
  })
})

describe('who the customer is', () => {
  it('reaches the window when there is one, and is forgotten with the logout', async () => {
    await load()
    api()['setUser']!({ nickname: 'Ada' }, 'signed')
    api()['open']!()
    const { postMessage } = frame()!.contentWindow as unknown as { postMessage: ReturnType<typeof vi.fn> }
    say({ is: 'ready' })
    expect(postMessage).toHaveBeenCalledWith({ kefu: 1, do: 'setUser', user: { nickname: 'Ada' }, signature: 'signed' }, ORIGIN)
    api()['logout']!()
    expect(postMessage).toHaveBeenLastCalledWith({ kefu: 1, do: 'logout' }, ORIGIN)

    api()['destroy']!()
    api()['init']!({ shop: 'demo' })
    api()['open']!()
    say({ is: 'ready' })
    const said = vi.mocked(frame()!.contentWindow!.postMessage).mock.calls.map(([message]) => (message as { do: string }).do)
    expect(said).toContain('options')
    expect(said).not.toContain('setUser')
  })

  it('does not carry an old signature to a new customer', async () => {
    await load()
    api()['setUser']!({ nickname: 'Ada' }, 'signed')
    api()['setUser']!({ nickname: 'Bob' })
    api()['open']!()
    say({ is: 'ready' })
    const calls = vi.mocked(frame()!.contentWindow!.postMessage).mock.calls.map(([message]) => message as { do: string })
    expect(calls.find((message) => message.do === 'setUser')).toEqual({ kefu: 1, do: 'setUser', user: { nickname: 'Bob' }, signature: undefined })
  })
})
