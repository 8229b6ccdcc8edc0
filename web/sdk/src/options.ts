/** What a shop may say about the chat on its page, from a script's data, an element or an object. */
import type { ChatOptions, User } from '@fiido-kefu/protocol/embed'

export interface Options extends ChatOptions {
  /** Where the customer service runs; by default where this script came from. */
  baseUrl?: string
  position?: 'left' | 'right'
  offset?: { x?: number; y?: number }
  zIndex?: number
  /** `false`: no button of ours; the page calls `open` itself. */
  launcher?: boolean
  /** Words on the button, next to the icon. */
  label?: string
  open?: boolean
  user?: User
  signature?: string
  nonce?: string
}

const WORDS = ['shop', 'language', 'theme', 'color', 'logo', 'title', 'subtitle', 'welcome', 'placeholder', 'consent', 'position', 'label'] as const

export function fromAttributes(element: Element, prefix = ''): Options {
  const options: Record<string, unknown> = {}
  const read = (name: string): string | null => element.getAttribute(prefix + name)
  for (const name of WORDS) {
    const value = read(name)
    if (value !== null) options[name] = value
  }
  const base = read('base-url')
  if (base !== null) options['baseUrl'] = base
  const [x, y, z] = [read('offset-x'), read('offset-y'), read('z-index')]
  if (x || y) options['offset'] = { ...(x ? { x: +x } : {}), ...(y ? { y: +y } : {}) }
  if (z) options['zIndex'] = +z
  if (read('launcher') === 'false') options['launcher'] = false
  return options
}

const CHAT = { zh: '在线客服', de: 'Chat öffnen', fr: 'Ouvrir le chat', es: 'Abrir chat', it: 'Apri chat', nl: 'Chat openen', pl: 'Otwórz czat', en: 'Open chat' }
const CLOSE = { zh: '关闭客服窗口', de: 'Chat schließen', fr: 'Fermer le chat', es: 'Cerrar chat', it: 'Chiudi chat', nl: 'Chat sluiten', pl: 'Zamknij czat', en: 'Close chat' }

/** What a screen reader hears; everything else people read is in the window. */
export function spoken(language: string | undefined, isOpen: boolean): string {
  const key = (language ?? document.documentElement.lang ?? navigator.language).slice(0, 2)
  const words = isOpen ? CLOSE : CHAT
  return words[(key in words ? key : 'en') as keyof typeof words]
}
