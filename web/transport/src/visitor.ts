/** A visitor's conversation as one object: what to show, and everything a visitor can do. */
import { EMPTY, isManual, type EscalateResult, type User } from '@fiido-kefu/protocol'
import { createCore, type VisitorOptions, type VisitorView } from './core'
import { createDelivery } from './delivery'
import { createFeed } from './feed'
import { ApiError } from './http'

export type { Connection, VisitorOptions, VisitorView } from './core'

const TYPING_EVERY_MS = 3000

export interface Visitor {
  readonly view: VisitorView
  readonly hasSession: boolean
  /** Picks up the conversation of an earlier visit; does nothing where there is none. */
  start: () => Promise<void>
  send: (content: string) => void
  retry: (clientMessageId: string) => void
  discard: (clientMessageId: string) => void
  stopAnswer: () => Promise<void>
  /** `request` is what the visitor says where there is no session yet to escalate. */
  escalate: (request: string, more?: { message?: string; email?: string }) => Promise<EscalateResult | null>
  cancelWaiting: () => Promise<void>
  rate: (score: number, comment?: string) => Promise<void>
  mailTranscript: (email: string) => Promise<void>
  typing: () => void
  read: (seq: number) => void
  identify: (user: User, signature?: string) => void
  clear: () => Promise<void>
  loadOlder: () => Promise<boolean>
  wake: () => void
  forget: () => void
  destroy: () => void
}

export function createVisitor(options: VisitorOptions): Visitor {
  let pendingUser: { user: User; signature?: string } | null = null
  let typedAt = -Infinity
  let onceSession: (() => void)[] = []

  const core = createCore(options, (isNew) => {
    if (!isNew) return
    void feed.start().then(feed.announce)
    if (pendingUser) void identifyNow()
    onceSession.splice(0).forEach((one) => one())
  })
  const lost = (): void => {
    core.forget()
    feed.stop()
    core.set({ conversation: EMPTY, turn: null, connection: 'idle', isRestoring: false })
  }
  const feed = createFeed(core, {
    onEvent: () => delivery.confirm(core.view.conversation.messages),
    onFetched: () => {
      delivery.confirm(core.view.conversation.messages)
      delivery.hurry()
    },
    onLost: lost,
  })
  const delivery = createDelivery(core, { reload: feed.reload, onLost: lost })

  const post = <T>(path: string, body?: unknown): Promise<T> => core.http.call<T>('POST', path, { body })
  const session = (): { session_name: string | undefined } => ({
    session_name: core.credentials?.sessionName,
  })

  const identifyNow = async (): Promise<void> => {
    if (!pendingUser || !core.credentials) return
    const { user, signature } = pendingUser
    const body = { profile: user, ...(signature ? { signature } : {}) }
    await post<{ not_taken?: string[] }>(core.sessionPath('/identify'), body).then(
      ({ not_taken: fields = [] }) => {
        pendingUser = null
        if (fields.length > 0) options.onUserRefused?.(fields)
      },
      (error: unknown) => {
        const isWrong = error instanceof ApiError && error.code === 'VALIDATION_ERROR'
        if (isWrong) options.onUserRefused?.(Object.keys(user))
      },
    )
  }

  const escalateNow = async (more: object): Promise<EscalateResult> => {
    const body = { ...session(), reason: 'user_request', ...more }
    const result = await post<EscalateResult>('/api/manual/escalate', body)
    core.setConversation((state) => ({ ...state, status: result.data.status }))
    if (core.view.connection !== 'live') void feed.reload()
    return result
  }

  return {
    get view() {
      return core.view
    },
    get hasSession() {
      return core.credentials !== null
    },
    start: async () => {
      await feed.start()
      delivery.hurry()
    },
    send: (content) => {
      delivery.send(content)
      feed.wake()
    },
    retry: delivery.retry,
    discard: delivery.discard,
    stopAnswer: delivery.stopAnswer,
    escalate: async (request, more = {}) => {
      if (core.credentials) return escalateNow(more)
      // Only a message can begin a session; the request itself is the first one.
      const begun = new Promise<void>((resolve) => onceSession.push(resolve))
      delivery.send(request)
      await begun
      if (isManual(core.view.conversation.status) && !('email' in more)) return null
      return escalateNow(more)
    },
    cancelWaiting: async () => {
      await post('/api/manual/cancel', session())
      if (core.view.connection !== 'live') await feed.reload()
    },
    rate: async (score, comment) => {
      await post(core.sessionPath('/rating'), { score, ...(comment ? { comment } : {}) })
      core.setConversation((state) => ({ ...state, rating: 'given' }))
    },
    mailTranscript: async (email) => {
      const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions()
      const language = options.language()
      await post(core.sessionPath('/transcript'), { email, consent: true, language, timezone })
    },
    typing: () => {
      if (core.view.conversation.status !== 'manual_live') return
      if (core.now() - typedAt < TYPING_EVERY_MS) return
      typedAt = core.now()
      void post(core.sessionPath('/typing')).catch(() => undefined)
    },
    read: (seq) => {
      if (!core.credentials) return
      void post(core.sessionPath('/read'), { seq: Math.floor(seq) }).catch(() => undefined)
    },
    identify: (user, signature) => {
      pendingUser = { user, ...(signature ? { signature } : {}) }
      void identifyNow()
    },
    clear: async () => {
      await post('/api/conversation/clear', { session_id: core.credentials?.sessionName })
      core.set({ turn: null })
      core.setConversation((state) => ({ ...state, messages: [], suggestions: [], hasMore: false }))
      if (core.view.connection !== 'live') await feed.reload()
    },
    loadOlder: feed.loadOlder,
    wake: () => {
      feed.wake()
      delivery.hurry()
    },
    forget: () => {
      pendingUser = null
      onceSession = []
      core.outbox.clear()
      feed.announce()
      lost()
    },
    destroy: () => {
      onceSession = []
      delivery.stop()
      feed.destroy()
    },
  }
}
