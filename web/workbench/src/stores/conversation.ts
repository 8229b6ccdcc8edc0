/** The conversation in front of the agent, and everything that can be done with it. */
import { ApiError, safeStore, type OutboxEntry } from '@fiido-kefu/transport'
import { defineStore } from 'pinia'
import { computed, reactive, ref, shallowRef, watch as whenever } from 'vue'
import type { SessionState, SessionSummary } from '../api/wire'
import { actsFor } from '../lib/acts'
import { debounced } from '../lib/debounce'
import { createDelivery, type Delivery } from '../lib/delivery'
import { wordsFor } from '../lib/problems'
import { useTexts } from '../i18n'
import { isGone, watchConversation, type Watch, type WatchView } from '../lib/watch'
import { visitorName } from '../lib/words'
import { useAccount } from './account'
import { useAlerts } from './alerts'
import { useClock } from './clock'
import { useDrafts } from './drafts'
import { useNotices } from './notices'
import { useQueue } from './queue'

/** Shown to the visitor for 5 s, so said again a little earlier. */
const TYPING_MS = 3000
const READ_MS = 400

export type Act = 'takeover' | 'release' | 'requeue' | 'close' | 'transfer' | 'escalate'

export const useConversation = defineStore('conversation', () => {
  const texts = useTexts()
  const account = useAccount()
  const queue = useQueue()
  const drafts = useDrafts()
  const alerts = useAlerts()
  const notices = useNotices()
  const clock = useClock()
  const name = ref<string | null>(null)
  const view = shallowRef<WatchView | null>(null)
  const unsent = reactive(new Map<string, readonly OutboxEntry[]>())
  const busy = ref<Act | null>(null)
  let watch: Watch | null = null
  let delivery: Delivery | null = null
  let typedAt = 0

  /** Two sources tell the same: the list's summary and the conversation itself; the newer one counts. */
  const facts = computed<SessionState | SessionSummary | null>(() => {
    const summary = name.value ? queue.find(name.value) : undefined
    const session = view.value?.session ?? null
    if (!session || (summary && summary.version > session.version)) return summary ?? session
    return session
  })
  const status = computed(() => {
    const log = view.value?.log
    const known = facts.value
    if (!known) return log && log.version > 0 ? log.status : null
    return log && log.version > known.version ? log.status : known.status
  })
  const holder = computed(() => {
    const log = view.value?.log
    const known = facts.value
    if (log && log.version > (known?.version ?? 0)) return log.agent
    return known?.status === 'manual_live' ? (known.assigned_agent ?? null) : null
  })
  /** Expired, or out of reach: what was loaded is the last of it. */
  const isRemoved = computed(() => isGone(view.value?.error))
  // A visitor who comes back after a removal begins anew under the same name.
  whenever(
    () => isRemoved.value && name.value !== null && queue.find(name.value) !== undefined,
    (isBack) => isBack && name.value !== null && follow(name.value),
  )
  const waitingSince = computed(() => {
    const summary = name.value ? queue.find(name.value) : undefined
    return summary?.waiting_since ?? facts.value?.escalation?.trigger_at ?? null
  })
  const isMine = computed(() => !isRemoved.value && status.value === 'manual_live' && holder.value?.id === account.agent?.id)
  const acts = computed(() =>
    actsFor({ status: isRemoved.value ? null : status.value, serves: account.serves, isMine: isMine.value, leads: account.leads }),
  )
  /** Until the server says that the answer is there, or will not come. */
  const isAiAnswering = computed(() => facts.value?.ai_answering ?? false)
  const rating = computed(() => view.value?.session?.last_rating ?? null)
  const isVisitorTyping = computed(() => (view.value?.visitorTypesUntil ?? 0) / 1000 > clock.local)
  const pending = computed(() => (name.value ? (unsent.get(name.value) ?? []) : []))

  function begin(): void {
    const agent = account.agent
    if (!agent) return
    delivery?.stop()
    unsent.clear()
    delivery = createDelivery({
      api: account.api,
      store: safeStore(() => sessionStorage),
      prefix: `kefu-workbench:${agent.id}:unsent:`,
      onChange: (session, entries) => void unsent.set(session, entries),
      onRefused: (session, error) => {
        if (session !== name.value) return refusedElsewhere(session, error)
        notices.say('bad', wordsFor(error, texts))
        void watch?.reload()
      },
    })
    delivery.resume()
  }

  /** Its words stay in their conversation; the notice leads there. */
  function refusedElsewhere(session: string, error: ApiError): void {
    const { t } = texts
    const who = visitorName(queue.find(session) ?? { session_name: session, user_profile: {} }, t('visitor.anonymous'))
    const action = { label: t('action.open'), run: () => alerts.lead(session) }
    notices.say('bad', t('unsent.elsewhere', { name: who, why: wordsFor(error, texts) }), action)
  }

  function open(session: string): void {
    if (name.value !== session || !watch) follow(session)
  }

  function follow(session: string): void {
    close()
    name.value = session
    if (!account.serves) return
    watch = watchConversation({
      api: account.api,
      name: session,
      onChange: (next) => {
        if (name.value !== session) return
        view.value = next
        if (isGone(next.error)) queue.forget(session)
      },
      onMessages: (messages) => delivery?.confirm(session, messages),
    })
  }

  function close(): void {
    watch?.stop()
    watch = null
    view.value = null
    name.value = null
    typedAt = 0
  }

  function end(): void {
    close()
    delivery?.stop()
    delivery = null
    unsent.clear()
  }

  /** One act at a time; what came of it is told, and a lost race by the winner's name. */
  async function act(what: Act, body: Record<string, unknown> = {}): Promise<boolean> {
    const session = name.value
    if (!session || busy.value) return false
    busy.value = what
    try {
      const path = what === 'escalate' ? '/api/manual/escalate' : `/api/sessions/${session}/${what}`
      const more = what === 'escalate' ? { session_name: session } : {}
      const { data } = await account.api.post<{ data: SessionState }>(path, { ...more, ...body })
      if (name.value === session) watch?.adopt(data)
      return true
    } catch (error) {
      notices.say('bad', wordsFor(error, texts))
      if (error instanceof ApiError && error.remedy === 'reload') await watch?.reload()
      return false
    } finally {
      busy.value = null
    }
  }

  function send(): boolean {
    const session = name.value
    const text = session ? drafts.of(session).trim() : ''
    if (!session || !isMine.value || text === '') return false
    delivery?.send(session, text)
    drafts.keep(session, '')
    typedAt = 0
    return true
  }

  /** A refused message goes back to where it can be changed, before what is typed there now. */
  function takeBack(clientMessageId: string): void {
    const session = name.value
    if (!session || !delivery) return
    const text = delivery.takeBack(session, clientMessageId)
    const draft = drafts.of(session)
    drafts.keep(session, draft.trim() === '' ? text : `${text}\n${draft}`)
  }

  function typing(): void {
    const session = name.value
    if (!session || !isMine.value || Date.now() - typedAt < TYPING_MS) return
    typedAt = Date.now()
    account.api.post(`/api/sessions/${session}/typing`).catch(() => undefined)
  }

  /** False: nothing came, and asking again at once would not help. */
  async function loadOlder(): Promise<boolean> {
    try {
      await watch?.loadOlder()
      return watch !== null
    } catch (error) {
      notices.say('bad', wordsFor(error, texts))
      return false
    }
  }

  const markRead = debounced(async (session: string, seq: number) => {
    if (session !== name.value || !isMine.value) return
    await account.api.post(`/api/sessions/${session}/read`, { seq }).catch(() => undefined)
  }, READ_MS)

  /** The agent has the end of the conversation before their eyes. */
  function seen(): void {
    const messages = view.value?.log.messages ?? []
    const last = messages[messages.length - 1]
    if (name.value && last && isMine.value && (facts.value?.unread ?? 0) > 0) markRead(name.value, last.seq)
  }

  return {
    name,
    view,
    facts,
    status,
    holder,
    isMine,
    isRemoved,
    waitingSince,
    acts,
    isAiAnswering,
    rating,
    isVisitorTyping,
    pending,
    unsent,
    busy,
    begin,
    open,
    close,
    end,
    act,
    send,
    takeBack,
    typing,
    seen,
    problem: (id: string) => delivery?.problem(id),
    retry: (id: string) => name.value && delivery?.retry(name.value, id),
    loadOlder,
    reload: () => watch?.reload(),
    /** The line is back: what waited goes now. */
    resume: () => {
      delivery?.resume()
      watch?.wake()
    },
  }
})
