/** Elements without HTML strings: pages with Trusted Types and a strict CSP are fine with it. */
import { CSS } from './style'

export interface Shell {
  host: HTMLElement
  box: HTMLElement
  launcher: HTMLButtonElement
  label: HTMLElement
  badge: HTMLElement
  panel: HTMLElement
  wait: HTMLElement
  /** Speech bubble or chevron. */
  icon: (isOpen: boolean) => void
}

const SVG = 'http://www.w3.org/2000/svg'
const BUBBLE = 'M4.5 5.5h15a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H13l-4.6 3.6V17.5H4.5a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2zM8 10h8M8 13.5h5'
const CHEVRON = 'm6 9.5 6 6 6-6'

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  parent?: Node,
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  element.className = className
  parent?.appendChild(element)
  return element
}

export function buildShell(nonce: string): Shell {
  const host = make('div', '')
  host.dataset['fiidoKefu'] = ''
  const root = host.attachShadow({ mode: 'open' })
  addStyle(root, nonce)
  const box = make('div', 'x', root)
  const panel = make('div', 'p', box)
  const wait = make('div', 'w', panel)
  make('i', '', wait)
  panel.hidden = true
  const launcher = make('button', 'l', box)
  launcher.type = 'button'
  const svg = launcher.appendChild(document.createElementNS(SVG, 'svg'))
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('aria-hidden', 'true')
  const path = svg.appendChild(document.createElementNS(SVG, 'path'))
  const label = make('span', 't', launcher)
  const badge = make('span', 'b', launcher)
  badge.hidden = true
  // "Ask us 1", as its name says, and not "Ask us1"
  badge.before(' ')
  const icon = (isOpen: boolean): void => path.setAttribute('d', isOpen ? CHEVRON : BUBBLE)
  icon(false)
  return { host, box, launcher, label, badge, panel, wait, icon }
}

/** Constructed sheets pass `style-src`; older browsers get an element with the page's nonce. */
function addStyle(root: ShadowRoot, nonce: string): void {
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(CSS)
    root.adoptedStyleSheets = [sheet]
  } catch {
    const style = make('style', '', root)
    style.nonce = nonce
    style.textContent = CSS
  }
}
