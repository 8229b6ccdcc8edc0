/** The keys of the workbench, in one table: what the overlay lists is what works. */

export type KeyAct =
  | 'help'
  | 'search'
  | 'next'
  | 'previous'
  | 'next_waiting'
  | 'list_waiting'
  | 'list_mine'
  | 'list_after_hours'
  | 'list_all'
  | 'takeover'
  | 'reply'
  | 'transfer'
  | 'release'
  | 'requeue'
  | 'close'
  | 'details'
  | 'leave'

export type KeyGroup = 'lists' | 'conversation' | 'general'

export const KEYS: readonly { key: string; act: KeyAct; group: KeyGroup }[] = [
  { key: '1', act: 'list_waiting', group: 'lists' },
  { key: '2', act: 'list_mine', group: 'lists' },
  { key: '3', act: 'list_after_hours', group: 'lists' },
  { key: '4', act: 'list_all', group: 'lists' },
  { key: 'j', act: 'next', group: 'lists' },
  { key: 'k', act: 'previous', group: 'lists' },
  { key: 'n', act: 'next_waiting', group: 'lists' },
  { key: '/', act: 'search', group: 'lists' },
  { key: 't', act: 'takeover', group: 'conversation' },
  { key: 'r', act: 'reply', group: 'conversation' },
  { key: 'x', act: 'transfer', group: 'conversation' },
  { key: 'b', act: 'release', group: 'conversation' },
  { key: 'q', act: 'requeue', group: 'conversation' },
  { key: 'e', act: 'close', group: 'conversation' },
  { key: 'i', act: 'details', group: 'conversation' },
  { key: 'Escape', act: 'leave', group: 'conversation' },
  { key: '?', act: 'help', group: 'general' },
]

interface Pressed {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  isComposing: boolean
  repeat: boolean
}

/** Modified keys belong to the browser and to screen readers: none of them is ours. */
export function actOf(event: Pressed): KeyAct | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null
  const found = KEYS.find((one) => one.key === event.key || one.key === event.key.toLowerCase())
  if (!found || (event.repeat && found.act !== 'next' && found.act !== 'previous')) return null
  return found.act
}

/** Whoever types, chooses or stands in a dialog means what they do there, not us. */
export function isTaken(target: EventTarget | null, page: Document): boolean {
  if (page.querySelector('[role="dialog"], [role="menu"], [role="listbox"]')) return true
  const element = target instanceof HTMLElement ? target : null
  if (!element) return false
  return element.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName)
}
