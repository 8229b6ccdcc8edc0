/** What a shop may say about the chat on its page, from a script's data, an element or an object. */
import type { ChatOptions, User } from '@fiido-kefu/protocol/embed'

export interface Options extends ChatOptions {
  /** Where the customer service runs; by default where this script came from. */
  baseUrl?: string
  position?: 'left' | 'right'
  offset?: { x?: number | string; y?: number | string }
  zIndex?: number | string
  /** `false`: no button of ours; the page calls `open` itself. */
  launcher?: boolean
  /** Words on the button, next to the icon. */
  label?: string
  open?: boolean
  user?: User | undefined
  signature?: string | undefined
  nonce?: string
}

/** How the shop's configuration draws the chat; the gateway puts it into the script that names one. */
interface ShopLook extends Options {
  shop: string
  languages?: string[]
  /** Words on the button, by language. */
  labels?: Record<string, string>
}
declare const FIIDO_KEFU_SHOP: ShopLook | undefined
export const shopLook = typeof FIIDO_KEFU_SHOP === 'undefined' ? null : FIIDO_KEFU_SHOP

export type Settled = Options & Partial<ShopLook>

/** Without what is not said: `null` takes an option back. */
const known = <T extends object>(said: T): T =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value != null)) as T

/** The page's word counts before the shop's. A look of another shop is none. */
export function settle(said: Options): Settled {
  const own = known(said)
  if (!shopLook || (own.shop ?? shopLook.shop) !== shopLook.shop) return own
  return { ...shopLook, ...own, offset: { ...shopLook.offset, ...own.offset } }
}

const WORDS = ['shop', 'language', 'theme', 'color', 'logo', 'title', 'subtitle', 'welcome', 'placeholder', 'consent', 'position', 'label'] as const

export function fromAttributes(element: Element, prefix = ''): Options {
  const read = (name: string): string | null => element.getAttribute(prefix + name)
  const [x, y] = [read('offset-x'), read('offset-y')]
  return known({
    ...Object.fromEntries(WORDS.map((name) => [name, read(name)])),
    baseUrl: read('base-url'),
    offset: x || y ? known({ x, y }) : null,
    zIndex: read('z-index'),
    launcher: read('launcher') === 'false' ? false : null,
  }) as Options
}

/** The page's own choice, else its language, where the shop speaks it. */
function languageOf({ language, languages }: Settled): string {
  const page = (document.documentElement.lang || navigator.language).slice(0, 2)
  return language?.slice(0, 2) ?? (languages?.includes(page) === false ? languages[0]! : page)
}

/** The words on the button, and what a screen reader calls it where there are none. */
export function wordsOf(settled: Settled): { label: string; spoken: string } {
  const language = languageOf(settled)
  const label = settled.label ?? settled.labels?.[language] ?? ''
  return { label, spoken: label || ({ zh: '在线客服', pl: 'Czat' }[language] ?? 'Chat') }
}
