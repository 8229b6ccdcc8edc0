/**
 * What the loader on the shop's page and the chat window in the iframe say to each other.
 *
 * Every message is `{kefu: 1, ...}`, posted to one exact origin and taken from one exact window.
 * No token and no message text of the log ever crosses; the shop's page is not trusted with them.
 */

export type Theme = 'auto' | 'light' | 'dark'
export type Consent = 'auto' | 'ask' | 'granted' | 'denied'

/** What a shop may set from its page; overrides what the server's shop configuration says. */
export interface ChatOptions {
  shop?: string
  language?: string
  theme?: Theme
  color?: string
  logo?: string
  title?: string
  subtitle?: string
  welcome?: string
  placeholder?: string
  suggestions?: string[]
  privacyUrl?: string
  sound?: boolean
  consent?: Consent
}

export interface User {
  nickname?: string
  email?: string
  language?: string
  country?: string
  currency?: string
  vip?: boolean
  customer_id?: string
  metadata?: Record<string, string>
}

export type Order =
  | { do: 'options'; options: ChatOptions }
  | { do: 'visible'; visible: boolean; fullScreen: boolean }
  | { do: 'sendMessage'; text: string }
  | { do: 'setUser'; user: User; signature?: string | undefined }
  | { do: 'logout' }

export type ToWindow = { kefu: 1 } & Order

export type FromWindow =
  | { kefu: 1; is: 'ready' }
  | { kefu: 1; is: 'close' }
  | { kefu: 1; is: 'unread'; count: number }
  | { kefu: 1; is: 'active'; active: boolean }
  | { kefu: 1; is: 'status'; status: string; agent: string | null }
  | { kefu: 1; is: 'message'; role: string }
  /** The name opens nothing by itself; the shop's server needs it to sign who its customer is. */
  | { kefu: 1; is: 'session'; name: string }
  | { kefu: 1; is: 'look'; color: string; ink: string }
  | { kefu: 1; is: 'error'; code: string; fields?: readonly string[] }
