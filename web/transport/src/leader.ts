/**
 * Of several tabs one leads: it holds the stream, and passes on to the others what it hears.
 *
 * The holder of a Web Lock leads; when it closes, freezes or goes into the back-forward cache, the
 * next one takes over. Where there are no locks, every tab leads for itself.
 */

export interface LeaderOptions {
  name: string
  onLead: () => void
  onFollow: () => void
  locks?: Pick<LockManager, 'request'> | undefined
  target?: Pick<Window, 'addEventListener' | 'removeEventListener'>
}

export interface Leader {
  readonly isLeader: boolean
  /** The leader has been silent for too long: take the lock from it. */
  seize: () => void
  close: () => void
}

export function electLeader(options: LeaderOptions): Leader {
  const { name, locks, target, onLead, onFollow } = options
  let isLeader = false
  let closed = false
  let release: (() => void) | null = null
  let wish: AbortController | null = null

  const lead = (): void => {
    if (isLeader || closed) return
    isLeader = true
    onLead()
  }
  const follow = (): void => {
    if (!isLeader) return
    isLeader = false
    onFollow()
  }

  const stand = (steal: boolean): void => {
    if (!locks) return lead()
    wish?.abort()
    wish = new AbortController()
    const hold = (): Promise<void> => {
      if (closed) return Promise.resolve()
      lead()
      return new Promise((resolve) => (release = resolve))
    }
    const asked = steal
      ? locks.request(name, { steal: true }, hold)
      : locks.request(name, { signal: wish.signal }, hold)
    asked.catch((error: unknown) => {
      // Browsers that deny a framed page its storage deny locks as well: each tab for itself.
      if (!(error instanceof DOMException) || error.name !== 'AbortError') return lead()
      // Aborted by us, or stolen by a tab that heard nothing from this one.
      const stolen = release !== null
      release = null
      follow()
      if (stolen && !closed) stand(false)
    })
  }

  const resign = (): void => {
    follow()
    const done = release
    release = null
    if (done) done()
    else wish?.abort()
  }
  const back = (event: Event): void => {
    if ((event as PageTransitionEvent).persisted) stand(false)
  }

  target?.addEventListener('pagehide', resign)
  target?.addEventListener('pageshow', back)
  stand(false)

  return {
    get isLeader() {
      return isLeader
    },
    seize: () => stand(true),
    close: () => {
      resign()
      closed = true
      target?.removeEventListener('pagehide', resign)
      target?.removeEventListener('pageshow', back)
    },
  }
}
