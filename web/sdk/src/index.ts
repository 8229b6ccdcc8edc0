/** The one line a shop adds: installs `window.FiidoKefu`, draws a button, asks for nothing else. */
import type { User } from '@fiido-kefu/protocol/embed'
import { createChat, type Chat } from './chat'
import { fromAttributes, shopLook, type Options } from './options'

type Listener = (detail: unknown) => void
type Command = [name: keyof Api, ...args: unknown[]]

interface Api {
  version: string
  init: (options?: Options) => void
  open: () => void
  close: () => void
  toggle: () => void
  sendMessage: (text: string) => void
  setUser: (user: User, signature?: string) => void
  on: (name: string, listener: Listener) => () => void
  off: (name: string, listener?: Listener) => void
  update: (options: Options) => void
  logout: () => void
  destroy: () => void
  whenReady: () => Promise<void>
  push: (...commands: Command[]) => void
}

declare global {
  interface Window {
    FiidoKefu?: Api | Command[]
    FiidoChat?: { init: Api['init'] }
    FiidoKefuConfig?: Options
  }
}

const script = document.currentScript as HTMLScriptElement | null

function install(early: Command[]): Api {
  const listeners = new Map<string, Set<Listener>>()
  let chat: Chat | null = null
  let options: Options = {}
  let inline: HTMLElement | undefined
  let isReady = false

  const emit = (name: string, detail?: unknown): void => {
    if (name === 'ready') isReady = true
    listeners.get(name)?.forEach((listener) => guarded(() => listener(detail)))
    const target = inline ?? document
    target.dispatchEvent(new CustomEvent(`fiido-kefu:${name}`, { detail, bubbles: true }))
  }

  const on: Api['on'] = (name, listener) => {
    listeners.set(name, (listeners.get(name) ?? new Set()).add(listener))
    return () => api.off(name, listener)
  }

  const start = (more: Options = {}, element?: HTMLElement): void => {
    if (chat && !element) return api.update(more)
    // An element is the page's own place for it; the button of the line gives way.
    chat?.destroy()
    options = { ...options, ...more }
    inline = element
    const base = options.baseUrl ?? (script ? new URL(script.src).origin : location.origin)
    // It is framed and linked to: a script's address would run in the shop's page.
    if (!/^https?:/i.test(base)) throw new TypeError('baseUrl')
    chat = createChat({ nonce: script?.nonce ?? '', ...options }, base.replace(/\/$/, ''), emit, element)
    chat.mount()
  }
  /** Every call works before `init`: it is the same as calling `init` first. */
  const using = (): Chat => {
    if (!chat) start()
    return chat as unknown as Chat
  }

  const api: Api = {
    version: '1',
    init: (more) => start(more),
    open: () => using().open(),
    close: () => chat?.close(),
    toggle: () => (using().isOpen() ? api.close() : api.open()),
    sendMessage: (text) => {
      using().open()
      using().send({ do: 'sendMessage', text: `${text}` })
    },
    setUser: (user, signature) => using().setUser(user, signature),
    on,
    off: (name, listener) => {
      if (listener) listeners.get(name)?.delete(listener)
      else listeners.delete(name)
    },
    update: (more) => {
      options = { ...options, ...more }
      chat?.update(more)
    },
    logout: () => {
      options = { ...options, user: undefined, signature: undefined }
      chat?.logout()
    },
    destroy: () => {
      chat?.destroy()
      chat = null
      isReady = false
    },
    whenReady: () =>
      new Promise((resolve) => {
        if (isReady) return resolve()
        const undo = on('ready', () => {
          undo()
          resolve()
        })
      }),
    push: (...commands) => {
      for (const [name, ...args] of commands) {
        guarded(() => (api[name] as (...args: unknown[]) => unknown)(...args))
      }
    },
  }
  for (const [name, method] of Object.entries(api)) {
    if (typeof method === 'function' && name !== 'whenReady' && name !== 'on') {
      Object.assign(api, { [name]: (...args: unknown[]) => guarded(() => method(...(args as []))) })
    }
  }
  defineElement(start, () => api.destroy())

  const config = window.FiidoKefuConfig
  const data = script ? fromAttributes(script, 'data-') : {}
  if (config || data.shop || shopLook) guarded(() => start({ ...data, ...config }))
  api.push(...early)
  return api
}

/** No mistake of ours, or in a listener, becomes an error of the shop's page. */
function guarded<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    console.warn('[FiidoKefu]', error)
    return undefined
  }
}

function defineElement(start: (options: Options, element?: HTMLElement) => void, end: () => void): void {
  if (customElements.get('fiido-chat')) return
  customElements.define(
    'fiido-chat',
    class extends HTMLElement {
      connectedCallback(): void {
        const inline = this.hasAttribute('inline') ? this : undefined
        guarded(() => start(fromAttributes(this), inline))
      }
      disconnectedCallback(): void {
        guarded(end)
      }
    },
  )
}

// A second copy of the line on the page changes nothing.
const present = window.FiidoKefu
if (!present || Array.isArray(present)) {
  guarded(() => {
    const api = install(present ?? [])
    window.FiidoKefu = api
    window.FiidoChat = { init: api.init }
  })
}
