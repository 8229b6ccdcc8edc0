/** What the parts of a visitor's client share: the present view, the credentials, the way out. */
import { EMPTY, type Conversation, type Turn } from '@fiido-kefu/protocol'
import { isCredentials, readJson, type Credentials, type Store } from './credentials'
import { createHttp, type Fetch, type Http } from './http'
import { createOutbox, type Outbox, type OutboxEntry } from './outbox'

export type Connection = 'idle' | 'connecting' | 'live' | 'offline'

export interface VisitorView {
  conversation: Conversation
  turn: Turn | null
  outbox: readonly OutboxEntry[]
  connection: Connection
  isRestoring: boolean
}

export interface VisitorOptions {
  baseUrl: string
  shop: string
  store: Store
  language: () => string
  onChange: (view: VisitorView) => void
  /** These of what was said of the visitor do not count: they need a signature that fits, or one is
   *  of a kind that is not known, and then none does. */
  onUserRefused?: (fields: readonly string[]) => void
  fetch?: Fetch
  newId?: () => string
  now?: () => number
  random?: () => number
  /** What several tabs share; without them each tab stands alone. */
  locks?: Pick<LockManager, 'request'>
  channel?: (name: string) => BroadcastChannel | undefined
  window?: Window
}

export interface Core {
  readonly options: VisitorOptions
  readonly http: Http
  readonly outbox: Outbox
  readonly view: VisitorView
  readonly credentials: Credentials | null
  now: () => number
  set: (change: Partial<Omit<VisitorView, 'outbox'>>) => void
  setConversation: (change: (state: Conversation) => Conversation) => void
  /** Forgets who the visitor is; what is unsent stays. */
  forget: () => void
  /** Another tab may have begun the session, or ended it. */
  reread: () => void
  sessionPath: (rest?: string) => string
}

export function createCore(options: VisitorOptions, onSession: (isNew: boolean) => void): Core {
  const { store, shop } = options
  const key = `fiido-kefu:${shop}`
  const now = options.now ?? Date.now
  let credentials = readJson(store, key, isCredentials)
  let calls = new AbortController()
  let view: VisitorView = {
    conversation: EMPTY,
    turn: null,
    outbox: [],
    connection: 'idle',
    isRestoring: credentials !== null,
  }

  const publish = (change: Partial<VisitorView>): void => {
    view = { ...view, ...change }
    options.onChange(view)
  }
  const outbox = createOutbox(store, `${key}:outbox`, () => publish({ outbox: outbox.entries }))
  view = { ...view, outbox: outbox.entries }

  const adopt = (headers: Headers): void => {
    const token = headers.get('X-Visitor-Token')
    const sessionName = headers.get('X-Session-Name') ?? credentials?.sessionName
    if (!token || !sessionName) return
    const isNew = credentials?.sessionName !== sessionName
    credentials = { sessionName, token }
    store.setItem(key, JSON.stringify(credentials))
    if (isNew) publish({ conversation: { ...view.conversation, sessionName } })
    onSession(isNew)
  }

  const http = createHttp({
    baseUrl: options.baseUrl,
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    headers: () => ({
      'Accept-Language': options.language(),
      ...(credentials ? { 'X-Visitor-Token': credentials.token } : {}),
    }),
    onResponse: adopt,
    whileValid: () => calls.signal,
  })
  /** What is still under way was asked in the name of a session that is over: no answer counts. */
  const abandon = (): void => {
    calls.abort()
    calls = new AbortController()
  }

  return {
    options,
    http,
    outbox,
    now,
    get view() {
      return view
    },
    get credentials() {
      return credentials
    },
    set: publish,
    setConversation: (change) => publish({ conversation: change(view.conversation) }),
    forget: () => {
      abandon()
      credentials = null
      store.removeItem(key)
    },
    reread: () => {
      const before = credentials?.sessionName
      credentials = readJson(store, key, isCredentials)
      if (before && before !== credentials?.sessionName) abandon()
    },
    sessionPath: (rest = '') =>
      `/api/sessions/${encodeURIComponent(credentials?.sessionName ?? '')}${rest}`,
  }
}
