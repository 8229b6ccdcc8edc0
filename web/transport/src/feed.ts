/**
 * Keeps the conversation current: fetches it, follows its events, shares them among tabs.
 *
 * Messages are fetched before the session, so that its status is at least as new as the newest
 * message; events that come meanwhile are held back and applied on top, where repeats do nothing.
 */
import {
  fromFetch,
  mergeMessages,
  reduce,
  type Conversation,
  type Message,
  type ServerEvent,
  type SessionEvent,
  type VisitorSession,
} from '@fiido-kefu/protocol'
import type { Connection, Core } from './core'
import { onReturn, openEventStream, SILENCE_MS, type EventStream, type StreamPhase } from './event-stream'
import { ApiError } from './http'
import { electLeader, type Leader } from './leader'

const PAGE = 50
/** Who looks for something said before reads on; the most that one request may ask for. */
const OLDER_PAGE = 100

type TabMessage =
  | { kind: 'event'; id: string | null; event: ServerEvent }
  | { kind: 'phase'; connection: Connection }
  | { kind: 'beat' }
  | { kind: 'hello' }
  | { kind: 'session' }

export interface Feed {
  start: () => Promise<void>
  /** Fetches anew; one at a time, and a wish during a fetch leads to another. */
  reload: () => Promise<void>
  loadOlder: () => Promise<boolean>
  wake: () => void
  /** Other tabs of this visitor learn that the session began or ended here. */
  announce: () => void
  /** Until the next session. */
  stop: () => void
  destroy: () => void
}

export interface FeedHooks {
  onEvent: (event: SessionEvent) => void
  onFetched: () => void
  /** The session is not ours any more. */
  onLost: () => void
}

const CONTROL = new Set(['ready', 'resync', 'idle_close', 'drain', 'reauth', 'replaced'])

const CONNECTION: Record<StreamPhase, Connection> = {
  connecting: 'connecting',
  open: 'live',
  waiting: 'offline',
  asleep: 'idle',
  stopped: 'idle',
}

export function createFeed(core: Core, hooks: FeedHooks): Feed {
  const { options } = core
  let stream: EventStream | null = null
  let leader: Leader | null = null
  let heardAt = core.now()
  let fetching: Promise<void> | null = null
  let again = false
  const held: SessionEvent[] = []
  let lastEventId: string | null = null
  const undo: (() => void)[] = []
  const tabs = options.channel?.(`fiido-kefu:${options.shop}`)
  let isOver = false
  const tell = (message: TabMessage): void => {
    if (!isOver) tabs?.postMessage(message)
  }

  const apply = (event: SessionEvent): void => {
    if (fetching) return void held.push(event)
    core.setConversation((state) => reduce(state, event, core.now()))
    hooks.onEvent(event)
  }

  const take = (event: ServerEvent, id: string | null): void => {
    if (id) lastEventId = id
    if (event.type === 'ready') {
      // With an id the stream begins here and nothing before it will come; without one it resumes.
      const missed = (event.seq ?? 0) > core.view.conversation.seq
      if (missed && id !== null) void reload(event.seq)
    } else if (event.type === 'resync') {
      void reload()
    } else if (!CONTROL.has(event.type)) {
      apply(event as SessionEvent)
    }
  }

  const fetchAll = async (seq: number): Promise<void> => {
    const page = await fetchPage(PAGE)
    const { data } = await core.http.call<{ data: { session: VisitorSession } }>('GET', core.sessionPath())
    core.setConversation((known) => {
      const fresh = fromFetch(data.session, page.messages, { hasMore: page.has_more, seq })
      return joined(known, fresh)
    })
  }

  const fetchPage = async (limit: number, query = ''): Promise<{ messages: Message[]; has_more: boolean }> => {
    const path = core.sessionPath(`/messages?limit=${limit}${query}`)
    return (await core.http.call<{ data: { messages: Message[]; has_more: boolean } }>('GET', path)).data
  }

  const reload = (seq = 0): Promise<void> => {
    if (fetching) {
      again = true
      return fetching
    }
    const asked = core.credentials?.sessionName
    fetching = fetchAll(seq)
      .catch((error: unknown) => {
        const isOurs = asked === core.credentials?.sessionName
        if (isOurs && error instanceof ApiError && error.code === 'SESSION_FORBIDDEN') hooks.onLost()
      })
      .finally(() => {
        fetching = null
        core.set({ isRestoring: false })
        held.splice(0).forEach(apply)
        hooks.onFetched()
        if (again) {
          again = false
          void reload()
        }
      })
    return fetching
  }

  const lead = (): void => {
    stream = openEventStream({
      http: core.http,
      path: core.sessionPath('/events'),
      lastEventId,
      onEvent: (event, id) => {
        take(event, id)
        tell({ kind: 'event', id, event })
      },
      onPhase: (phase) => {
        core.set({ connection: CONNECTION[phase] })
        tell({ kind: 'phase', connection: CONNECTION[phase] })
      },
      onBeat: () => tell({ kind: 'beat' }),
      onReload: () => void reload(),
      onRefused: async (error) => {
        if (error) hooks.onLost()
        else await reload()
        return !error && core.credentials !== null
      },
      ...(options.random ? { random: options.random } : {}),
      now: core.now,
    })
  }

  const hear = (message: TabMessage): void => {
    heardAt = core.now()
    if (message.kind === 'session') {
      restart()
    } else if (!core.credentials) {
      // Of a session this tab has not joined yet: fetching it without its token would lose it.
      return
    } else if (message.kind === 'hello') {
      if (leader?.isLeader) tell({ kind: 'phase', connection: core.view.connection })
    } else if (!leader?.isLeader) {
      if (message.kind === 'event') take(message.event, message.id)
      if (message.kind === 'phase') core.set({ connection: message.connection })
    }
  }

  const close = (): void => {
    undo.splice(0).forEach((one) => one())
    stream?.stop()
    leader?.close()
    stream = null
    leader = null
    lastEventId = null
    held.length = 0
  }

  const restart = (): void => {
    const before = core.credentials?.sessionName
    core.reread()
    if (core.credentials?.sessionName === before) return
    close()
    if (core.credentials) void start()
    else hooks.onLost()
  }

  const start = async (): Promise<void> => {
    if (leader || !core.credentials) return
    const name = `fiido-kefu:${options.shop}:${core.credentials.sessionName}`
    leader = electLeader({
      name,
      locks: options.locks,
      ...(options.window ? { target: options.window } : {}),
      onLead: lead,
      onFollow: () => {
        stream?.stop()
        stream = null
      },
    })
    tell({ kind: 'hello' })
    if (options.window) undo.push(onReturn(returned, options.window))
    await reload()
  }

  const returned = (): void => {
    if (stream) return stream.wake()
    if (core.now() - heardAt > SILENCE_MS) {
      leader?.seize()
      void reload()
    }
  }

  if (tabs) tabs.onmessage = (event: MessageEvent<TabMessage>) => hear(event.data)

  return {
    start,
    reload: () => reload(),
    loadOlder: async () => {
      const oldest = core.view.conversation.messages[0]
      if (!oldest) return false
      const page = await fetchPage(OLDER_PAGE, `&before=${encodeURIComponent(oldest.id)}`)
      core.setConversation((state) => ({
        ...state,
        messages: mergeMessages(state.messages, page.messages),
        hasMore: page.has_more,
      }))
      return page.has_more
    },
    wake: () => returned(),
    announce: () => tell({ kind: 'session' }),
    stop: close,
    destroy: () => {
      isOver = true
      close()
      tabs?.close()
    },
  }
}

/** Keeps what was loaded upwards, where the fresh page reaches it; else only the fresh page counts. */
function joined(known: Conversation, fresh: Conversation): Conversation {
  const same = known.sessionName === fresh.sessionName || known.sessionName === null
  const first = fresh.messages[0]
  const overlaps = known.messages.some((message) => message.id === first?.id)
  const queue = fresh.status === 'pending_manual' ? known.queue : null
  if (!same || !overlaps) return { ...fresh, queue }
  return {
    ...fresh,
    queue,
    messages: mergeMessages(known.messages, fresh.messages),
    hasMore: known.hasMore,
  }
}
