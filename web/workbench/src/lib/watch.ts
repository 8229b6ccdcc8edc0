/**
 * Follows one conversation as an agent: fetched once, then kept current by its events.
 *
 * Messages are fetched before the session, so that its status is at least as new as the newest
 * message; events that come meanwhile are held back and applied on top, where repeats do nothing.
 */
import {
  EMPTY,
  fromFetch,
  mergeMessages,
  reduce,
  TYPING_MILLISECONDS,
  type Conversation,
  type ServerEvent,
  type SessionEvent,
} from '@fiido-kefu/protocol'
import { ApiError, openEventStream, type EventStream, type StreamPhase } from '@fiido-kefu/transport'
import type { Api } from '../api/client'
import type { Message, SessionState, Trail } from '../api/wire'

const PAGE = 50
const OLDER_PAGE = 100
/** A stream that takes longer to begin is not waited for with what can be fetched without it. */
const PATIENCE_MS = 1500

export interface WatchView {
  log: Conversation
  session: SessionState | null
  trail: readonly Trail[]
  /** What keeps the conversation from being shown, or from being complete. */
  error: unknown
  isLoading: boolean
  line: StreamPhase
  visitorTypesUntil: number
}

export interface Watch {
  readonly view: WatchView
  reload: () => Promise<void>
  loadOlder: () => Promise<void>
  /** What a call answered is newer than what the events have told so far. */
  adopt: (session: SessionState) => void
  wake: () => void
  stop: () => void
}

export interface WatchOptions {
  api: Api
  name: string
  onChange: (view: WatchView) => void
  onMessages: (messages: readonly Message[]) => void
  now?: () => number
}

const CONTROL = new Set(['ready', 'resync', 'idle_close', 'drain', 'reauth', 'replaced'])

export function watchConversation({ api, name, onChange, onMessages, now = Date.now }: WatchOptions): Watch {
  const path = `/api/sessions/${encodeURIComponent(name)}`
  const held: SessionEvent[] = []
  let view: WatchView = {
    log: { ...EMPTY, sessionName: name },
    session: null,
    trail: [],
    error: null,
    isLoading: true,
    line: 'connecting',
    visitorTypesUntil: 0,
  }
  let fetching: Promise<void> | null = null
  let again = false
  let stopped = false
  let stream: EventStream | null = null

  const set = (change: Partial<WatchView>): void => {
    if (stopped) return
    view = { ...view, ...change }
    onChange(view)
  }

  const apply = (event: SessionEvent): void => {
    if (fetching) return void held.push(event)
    if (event.type === 'typing') {
      if (event.role === 'user') set({ visitorTypesUntil: now() + TYPING_MILLISECONDS })
      return
    }
    // The visitor's view starts anew; agents go on seeing everything.
    if (event.type === 'history_cleared') return set({ log: { ...view.log, seq: event.seq } })
    const log = reduce(view.log, event, now())
    if (log === view.log) return
    const isTheirs = event.type === 'message_added' && event.role === 'user'
    set({ log, ...(isTheirs ? { visitorTypesUntil: 0 } : {}) })
    if (log.messages.length > 0) onMessages(log.messages)
    if (event.type === 'status_change' || event.type === 'rating') void refreshSession()
  }

  const take = (event: ServerEvent, id: string | null): void => {
    if (event.type === 'ready' && id !== null) begin()
    if (!CONTROL.has(event.type)) apply(event as SessionEvent)
  }

  const fetchPage = async (query = `limit=${PAGE}`): Promise<{ messages: Message[]; has_more: boolean }> =>
    (await api.get<{ data: { messages: Message[]; has_more: boolean } }>(`${path}/messages?${query}`)).data

  const fetchSession = async (): Promise<{ session: SessionState; trail: Trail[] }> => {
    const { data } = await api.get<{ data: { session: SessionState; audit_trail: Trail[] } }>(path)
    return { session: data.session, trail: data.audit_trail }
  }

  /** Reason, details and trail of the new state, a verdict's words; the news itself came with the event. */
  const refreshSession = async (): Promise<void> => {
    try {
      const { session, trail } = await fetchSession()
      if (!view.session || session.version >= view.session.version) set({ session, trail })
    } catch {
      // The next event, or the next reload, brings it.
    }
  }

  const fetchAll = async (): Promise<void> => {
    const page = await fetchPage()
    const { session, trail } = await fetchSession()
    const fresh = fromFetch(session, page.messages, { hasMore: page.has_more })
    set({ log: joined(view.log, fresh), session, trail, error: null, isLoading: false })
    onMessages(view.log.messages)
  }

  const reload = (): Promise<void> => {
    if (fetching) {
      again = true
      return fetching
    }
    fetching = fetchAll()
      .catch((error: unknown) => set({ error, isLoading: false }))
      .finally(() => {
        fetching = null
        held.splice(0).forEach(apply)
        if (again && !stopped) {
          again = false
          void reload()
        }
      })
    return fetching
  }

  const loadOlder = async (): Promise<void> => {
    const oldest = view.log.messages[0]
    if (!oldest || !view.log.hasMore) return
    const page = await fetchPage(`limit=${OLDER_PAGE}&before=${encodeURIComponent(oldest.id)}`)
    const { log } = view
    set({ log: { ...log, messages: mergeMessages(log.messages, page.messages), hasMore: page.has_more } })
  }

  /** An id says that the stream begins here: between it and what is fetched from now on nothing is lost. */
  const begin = (): void => {
    clearTimeout(patience)
    void reload()
  }
  const patience = setTimeout(begin, PATIENCE_MS)

  stream = openEventStream({
    http: api,
    path: `${path}/events`,
    onEvent: take,
    onPhase: (line) => {
      set({ line })
      if (line === 'open' && view.error) void reload()
    },
    onReload: () => void reload(),
    onRefused: async (error) => {
      if (error) {
        set({ error, isLoading: false })
        return false
      }
      return api.isProven()
    },
    now,
  })

  return {
    get view() {
      return view
    },
    reload,
    loadOlder,
    adopt: (session) => {
      if (view.session && session.version < view.session.version) return
      set({ session: { ...session, history: [] } })
    },
    wake: () => stream?.wake(),
    stop: () => {
      stopped = true
      clearTimeout(patience)
      stream?.stop()
    },
  }
}

/** Keeps what was loaded upwards, where the fresh page reaches it; else only the fresh page counts. */
function joined(known: Conversation, fresh: Conversation): Conversation {
  const first = fresh.messages[0]
  if (!first || !known.messages.some((message) => message.id === first.id)) return fresh
  return { ...fresh, messages: mergeMessages(known.messages, fresh.messages), hasMore: known.hasMore }
}

/** Whether nothing but trying later helps, or the conversation is out of reach for good. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 403)
}
