/**
 * The chat window's side of the bridge to the shop's page.
 *
 * The page that embeds us is named in the address and checked against every message: one origin,
 * one window. Which pages may embed at all is decided by the server (`frame-ancestors`).
 */
import type { ChatOptions, FromWindow, ToWindow } from '@fiido-kefu/protocol/embed'

export interface Embedding {
  shop: string
  /** Origin of the embedding page; `null` where the window stands alone. */
  host: string | null
  options: ChatOptions
}

export function embedding(search = location.search): Embedding {
  const query = new URLSearchParams(search)
  const options: Record<string, string> = {}
  for (const name of ['language', 'theme', 'color', 'title', 'consent']) {
    const value = query.get(name)
    if (value) options[name] = value
  }
  const shop = query.get('shop') ?? 'default'
  return { shop, host: window.parent === window ? null : asOrigin(query.get('host')), options }
}

function asOrigin(text: string | null): string | null {
  try {
    const { origin } = new URL(text ?? '')
    return origin === text && origin !== 'null' ? origin : null
  } catch {
    return null
  }
}

export interface Bridge {
  readonly isEmbedded: boolean
  tell: (message: FromWindow) => void
  listen: (hear: (message: ToWindow) => void) => () => void
}

export function createBridge(host: string | null, self: Window = window): Bridge {
  const parent = self.parent
  return {
    isEmbedded: host !== null,
    tell: (message) => {
      if (host) parent.postMessage(message, host)
    },
    listen: (hear) => {
      const take = (event: MessageEvent): void => {
        if (host === null || event.origin !== host || event.source !== parent) return
        if (event.data?.kefu === 1) hear(event.data as ToWindow)
      }
      self.addEventListener('message', take)
      return () => self.removeEventListener('message', take)
    },
  }
}
