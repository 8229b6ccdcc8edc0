/** One chat on one page: the button, the frame, and the narrow bridge between them. */
import type { FromWindow, Order, User } from '@fiido-kefu/protocol/embed'
import { buildShell, make, type Shell } from './dom'
import { settle, wordsOf, type Options, type Settled } from './options'
import { enterFullScreen, type FullScreen } from './phone'

export type Emit = (name: string, detail?: unknown) => void

export interface Chat {
  /** Draws it. Listeners may call back at once, so the caller must know the chat by then. */
  mount: () => void
  open: () => void
  close: () => void
  isOpen: () => boolean
  send: (message: Order) => void
  update: (options: Options) => void
  setUser: (user: User, signature?: string) => void
  logout: () => void
  destroy: () => void
}

const PHONE = '(max-width:560px),(max-height:480px) and (pointer:coarse)'
const PATIENCE_MS = 15_000
const whenIdle = window.requestIdleCallback ?? window.setTimeout
const cancelIdle = window.cancelIdleCallback ?? window.clearTimeout

/**
 * Says, after the visitor has begun a conversation with this shop, that the next page should pick it
 * up. Reads, or writes what is given, `null` to forget.
 */
function memory(shop = 'default', value?: string | null): string | null {
  const key = `fiido-kefu@${shop}`
  try {
    if (value) localStorage.setItem(key, value)
    if (value === null) localStorage.removeItem(key)
    return localStorage.getItem(key)
  } catch {
    // Blocked storage: the conversation is simply not picked up on the next page.
    return null
  }
}

export function createChat(given: Options, base: string, emit: Emit, inline?: HTMLElement): Chat {
  /** What the page said, and what comes of it together with the shop's configuration. */
  let options = given
  let settled: Settled = {}
  const origin = new URL(base).origin
  const shell: Shell = buildShell(options.nonce ?? '')
  const waiting: Order[] = []
  let frame: HTMLIFrameElement | null = null
  let isReady = false
  let isOpen = false
  let isActive = false
  let unread = 0
  let fullScreen: FullScreen | null = null
  let patience = 0
  let plainTitle: string | null = null
  let idle = 0
  let color: string | undefined

  const flag = (name: string, on: boolean): void => void shell.box.classList.toggle(name, on)
  const isPhone = (): boolean => !inline && matchMedia(PHONE).matches

  const post = (message: Order): void =>
    frame?.contentWindow?.postMessage({ kefu: 1, ...message }, origin)
  const send = (message: Order): void => {
    load()
    if (isReady) post(message)
    else waiting.push(message)
  }
  /** Before the visitor acts nothing is loaded; the window gets it when it is there. */
  const tell = (message: Order): void => void (isReady && post(message))
  const tellUser = (): void => {
    if (options.user) tell({ do: 'setUser', user: options.user, signature: options.signature })
  }
  const tellOptions = ({ baseUrl: _base, user: _user, signature: _sign, nonce: _nonce, ...more }: Options): void =>
    tell({ do: 'options', options: JSON.parse(JSON.stringify(more)) })

  const load = (): void => {
    if (frame) return
    const query = new URLSearchParams({ shop: settled.shop ?? 'default', host: location.origin })
    // What decides the first sight goes along; the rest follows when the window is there.
    for (const name of ['language', 'theme', 'color', 'consent'] as const) {
      if (settled[name]) query.set(name, settled[name])
    }
    frame = make('iframe', '', shell.panel)
    frame.title = wordsOf(settled).spoken
    frame.allow = 'clipboard-write'
    frame.src = `${base}/embed?${query}`
    patience = window.setTimeout(blocked, PATIENCE_MS)
  }

  const blocked = (): void => {
    const link = make('a', '')
    link.href = frame?.src ?? base
    link.target = '_blank'
    link.rel = 'noopener'
    link.textContent = wordsOf(settled).spoken
    shell.wait.replaceChildren(link)
    emit('error', { code: 'WINDOW_UNREACHABLE' })
  }

  const tellVisible = (): void =>
    tell({ do: 'visible', visible: isOpen, fullScreen: isPhone() })

  const paint = (): void => {
    settled = settle(options)
    const { style } = shell.box
    const set = (name: string, value: unknown, unit = ''): void =>
      style.setProperty(name, value == null ? '' : `${value as string}${unit}`)
    // The window may have shaded the colour; only another one is drawn anew.
    if (color !== settled.color) {
      color = settled.color
      set('--c', CSS.supports('color', color ?? '') ? color : '')
      set('--i', '')
    }
    set('--x', settled.offset?.x, 'px')
    set('--y', settled.offset?.y, 'px')
    set('--z', settled.zIndex)
    flag('left', settled.position === 'left')
    flag('n', settled.launcher === false)
    flag('e', !!inline)
    flag('k', settled.theme === 'dark')
    const { label } = wordsOf(settled)
    shell.launcher.hidden = !!inline || settled.launcher === false
    shell.label.textContent = label
    shell.label.hidden = !label
    showUnread()
  }

  const showUnread = (): void => {
    const { launcher, badge } = shell
    const { spoken } = wordsOf(settled)
    badge.textContent = unread > 9 ? '9+' : `${unread}`
    launcher.setAttribute('aria-label', unread ? `${spoken} ${badge.textContent}` : spoken)
    launcher.setAttribute('aria-expanded', `${isOpen}`)
    badge.hidden = unread === 0
    if (plainTitle !== null && /^\(\d/.test(document.title)) document.title = plainTitle
    plainTitle = null
    if (unread > 0) {
      plainTitle = document.title
      document.title = `(${badge.textContent}) ${plainTitle}`
    }
  }

  const setOpen = (open: boolean, byBack?: boolean): void => {
    if (open === isOpen) return
    isOpen = open
    load()
    shell.panel.hidden = !open
    flag('o', open)
    flag('m', open && isPhone())
    shell.icon(open)
    if (open && isPhone()) fullScreen = enterFullScreen(shell.panel, () => setOpen(false, true))
    if (!open) fullScreen?.leave(byBack)
    if (!open) fullScreen = null
    if (isActive) memory(settled.shop, open ? 'open' : 'closed')
    tellVisible()
    showUnread()
    if (open) frame?.focus()
    else if (!inline) shell.launcher.focus({ preventScroll: true })
    emit(open ? 'open' : 'close')
  }

  const heard = (message: FromWindow): void => {
    if (message.is === 'ready') {
      isReady = true
      clearTimeout(patience)
      shell.wait.hidden = true
      tellOptions(options)
      waiting.splice(0).forEach(post)
      tellUser()
      tellVisible()
      emit('ready')
    } else if (message.is === 'close') {
      setOpen(false)
    } else if (message.is === 'active') {
      isActive = message.active
      memory(settled.shop, isActive ? (isOpen ? 'open' : 'closed') : null)
    } else if (message.is === 'look') {
      shell.box.style.setProperty('--c', message.color)
      shell.box.style.setProperty('--i', message.ink)
    } else {
      if (message.is === 'unread') {
        unread = message.count
        showUnread()
      }
      const { kefu: _kefu, is: name, ...detail } = message
      emit(name, detail)
    }
  }

  const listen = (event: MessageEvent): void => {
    if (event.origin !== origin || !frame || event.source !== frame.contentWindow) return
    if (event.data?.kefu === 1) heard(event.data)
  }

  /** The one thing that differs from shop to shop: say exactly what the page's policy lacks. */
  const violated = (event: SecurityPolicyViolationEvent): void => {
    if (!event.blockedURI.startsWith(origin)) return
    console.warn(`[FiidoKefu] The page's CSP lacks: ${event.effectiveDirective} ${origin}`)
    emit('error', { code: 'CSP', directive: event.effectiveDirective })
  }

  /** A page that swaps its body (Turbo, htmx) takes the button along: it comes back, the frame anew. */
  const swaps = new MutationObserver(() => {
    if (!shell.host.isConnected) attach()
  })
  const attach = (): void => {
    isReady = false
    document.body.appendChild(shell.host)
    swaps.observe(document.documentElement, { childList: true })
    swaps.observe(document.body, { childList: true })
  }
  const mount = (): void => {
    if (inline) inline.appendChild(shell.host)
    else attach()
    if (inline || options.open) return setOpen(true)
    // The first look into storage makes the page wait for the disk; nobody is waiting for this.
    idle = whenIdle(resume)
  }
  const resume = (): void => {
    const known = memory(settled.shop)
    if (known && options.consent !== 'denied') {
      isActive = true
      if (known === 'open' && !isPhone()) setOpen(true)
      else load()
    }
  }

  paint()
  shell.launcher.onclick = () => setOpen(!isOpen)
  const life = new AbortController()
  addEventListener('message', listen, life)
  document.addEventListener('securitypolicyviolation', violated, life)

  return {
    mount: () => {
      if (document.body || inline) mount()
      else addEventListener('DOMContentLoaded', mount, life)
    },
    open: () => setOpen(true),
    close: () => setOpen(false),
    isOpen: () => isOpen,
    send,
    setUser: (user, signature) => {
      options = { ...options, user, signature }
      tellUser()
    },
    update: (more) => {
      options = { ...options, ...more }
      paint()
      tellOptions(more)
    },
    logout: () => {
      options = { ...options, user: undefined }
      // What an earlier page began would otherwise open for whoever comes next.
      if (frame || memory(settled.shop)) send({ do: 'logout' })
      memory(settled.shop, null)
      isActive = false
    },
    destroy: () => {
      unread = 0
      showUnread()
      fullScreen?.leave()
      swaps.disconnect()
      clearTimeout(patience)
      cancelIdle(idle)
      life.abort()
      shell.host.remove()
    },
  }
}
