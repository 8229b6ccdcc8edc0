/** The queue over one stream: fetched once, live from then on, fetched anew when told to. */
import { onReturn, openEventStream, type EventStream, type StreamPhase } from '@fiido-kefu/transport'
import type { ServerEvent } from '@fiido-kefu/protocol'
import type { Api } from '../api/client'
import type { QueueEvent, SessionPage, SessionSummary } from '../api/wire'
import { isNewer, type Backlog } from './backlog'
import { gather } from './gather'

const PAGE = 100
/** What is fetched of each waiting or served status; more waiting than this comes by events. */
const MOST = 1000
const AT_ONCE = 4
/** A stream that takes longer to begin is not waited for with what can be fetched without it. */
const PATIENCE_MS = 1500
const WHOLE = ['pending_manual', 'manual_live', 'after_hours_email'] as const
const CONTROL = new Set(['ready', 'resync', 'idle_close', 'drain', 'reauth', 'replaced'])

export interface LineView {
  backlog: Backlog
  phase: StreamPhase
  isLoading: boolean
  error: unknown
  /** How many sessions there are in all, and how many of them the list has asked for. */
  total: number
  asked: number
  /** Statuses of which there are more than were fetched. */
  cut: ReadonlySet<SessionSummary['status']>
  /** When the lists were fetched last, and when the stream was heard last before it broke; ms. */
  readAt: number
  heardAt: number
}

export interface Line {
  readonly view: LineView
  reload: () => Promise<void>
  loadMore: () => Promise<void>
  search: (text: string) => Promise<void>
  /** An answer to a call is a summary too. */
  adopt: (session: SessionSummary) => void
  forget: (name: string) => void
  stop: () => void
}

export interface LineOptions {
  api: Api
  isLive: boolean
  onChange: (view: LineView) => void
  /** What changed since the last call; not called for what a fetch brought. */
  onNews: (changes: readonly { before: SessionSummary | undefined; after: SessionSummary }[]) => void
  onEvent: (event: QueueEvent) => void
  onServerTime: (seconds: number) => void
  window?: Window
  now?: () => number
}

export const NO_LINE: LineView = {
  backlog: new Map(),
  phase: 'connecting',
  isLoading: true,
  error: null,
  total: 0,
  asked: 0,
  cut: new Set(),
  readAt: 0,
  heardAt: 0,
}

export function openLine(options: LineOptions): Line {
  const { api, now = Date.now } = options
  let view = NO_LINE
  let fetching: Promise<void> | null = null
  let again = false
  let arrived: SessionSummary[] = []
  let heardAt = 0
  let stopped = false
  let stream: EventStream | null = null

  const set = (change: Partial<LineView>): void => {
    if (stopped) return
    view = { ...view, ...change }
    options.onChange(view)
  }

  const merge = (sessions: readonly SessionSummary[], onto: Backlog = view.backlog): Map<string, SessionSummary> => {
    const next = new Map(onto)
    for (const session of sessions) {
      if (isNewer(next.get(session.session_name), session)) next.set(session.session_name, session)
    }
    return next
  }

  const news = gather<SessionSummary>((sessions) => {
    if (fetching) arrived.push(...sessions)
    const before = view.backlog
    const backlog = merge(sessions)
    const names = new Set(sessions.map((session) => session.session_name))
    const changes = [...names].flatMap((name) => {
      const after = backlog.get(name)!
      return after === before.get(name) ? [] : [{ before: before.get(name), after }]
    })
    const born = changes.filter((change) => !change.before).length
    set({ backlog, total: view.total + born, asked: view.asked + born })
    if (changes.length > 0) options.onNews(changes)
    refill()
  })

  /** Half of what was fetched of a longer list is gone: the rest of it is wanted. */
  const refill = (): void => {
    for (const status of view.cut) {
      let left = 0
      for (const session of view.backlog.values()) left += Number(session.status === status)
      if (left < MOST / 2) return void reload()
    }
  }

  const take = (event: ServerEvent | QueueEvent, id: string | null): void => {
    if (event.type === 'ready' && id !== null) begin()
    if (CONTROL.has(event.type)) return
    if (event.type === 'session_created' || event.type === 'session_updated') news.add(event.session)
    else if (event.type === 'session_expired') expire(event.session_name)
    else options.onEvent(event as QueueEvent)
  }

  /** A visitor who comes back makes it anew, with versions that begin at one again. */
  const expire = (name: string): void => {
    news.flush()
    arrived = arrived.filter((session) => session.session_name !== name)
    forget(name)
    // What is being fetched may still have it.
    if (fetching) again = true
  }

  const forget = (name: string): void => {
    const backlog = new Map(view.backlog)
    if (backlog.delete(name)) set({ backlog, total: Math.max(0, view.total - 1), asked: Math.max(0, view.asked - 1) })
  }

  const fetchPage = async (query: string, offset = 0): Promise<SessionPage> => {
    const { data } = await api.get<{ data: SessionPage }>(`/api/sessions?${query}&limit=${PAGE}&offset=${offset}`)
    const timed = data.sessions.find((session) => session.waiting_since != null)
    if (timed) options.onServerTime(timed.waiting_since! + (timed.waiting_seconds ?? 0))
    return data
  }

  const fetchWhole = async (status: (typeof WHOLE)[number], cut: Set<string>): Promise<SessionSummary[]> => {
    const query = `status=${status}`
    const first = await fetchPage(query)
    if (first.total > MOST) cut.add(status)
    const offsets: number[] = []
    for (let at = PAGE; at < Math.min(first.total, MOST); at += PAGE) offsets.push(at)
    const sessions = [...first.sessions]
    while (offsets.length > 0) {
      const some = offsets.splice(0, AT_ONCE).map((offset) => fetchPage(query, offset))
      for (const page of await Promise.all(some)) sessions.push(...page.sessions)
    }
    return sessions
  }

  const fetchAll = async (): Promise<void> => {
    arrived = []
    const cut = new Set<SessionSummary['status']>()
    const lists = await Promise.all(WHOLE.map((status) => fetchWhole(status, cut)))
    const newest = await fetchPage('')
    // What was known and is in no list any more has moved on: only what is fetched, or came since, counts.
    const backlog = merge([...lists.flat(), ...newest.sessions, ...arrived], new Map())
    const { total, sessions } = newest
    set({ backlog, total, asked: sessions.length, cut, isLoading: false, error: null, readAt: now() })
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
        if (again && !stopped) {
          again = false
          void reload()
        }
      })
    return fetching
  }

  /** An id says that the stream begins here: between it and what is fetched from now on nothing is lost. */
  const begin = (): void => {
    clearTimeout(patience)
    void reload()
  }
  const patience = setTimeout(begin, options.isLive ? PATIENCE_MS : 0)

  if (options.isLive) {
    stream = openEventStream({
      http: api,
      path: '/api/agent/events',
      onEvent: take,
      onBeat: () => (heardAt = now()),
      onPhase: (phase) => {
        set({ phase, heardAt })
        if (phase === 'open' && view.error) void reload()
      },
      onReload: () => void reload(),
      // A refused call has tried a refresh already; only a token that dies under the stream is worth one.
      onRefused: async (error) => !error && api.isProven(),
    })
  }
  // Who gets no live updates sees the queue as it is whenever they come back to it.
  const comeBack = (): void => (stream ? stream.wake() : void reload())
  const stopListening = onReturn(comeBack, options.window ?? window)

  return {
    get view() {
      return view
    },
    reload,
    loadMore: async () => {
      if (view.asked >= view.total) return
      const page = await fetchPage('', view.asked)
      set({ backlog: merge(page.sessions), total: page.total, asked: view.asked + page.sessions.length })
    },
    search: async (text) => {
      const page = await fetchPage(`q=${encodeURIComponent(text)}`)
      set({ backlog: merge(page.sessions) })
    },
    adopt: (session) => set({ backlog: merge([session]) }),
    forget,
    stop: () => {
      stopped = true
      clearTimeout(patience)
      news.stop()
      stopListening()
      stream?.stop()
    },
  }
}
