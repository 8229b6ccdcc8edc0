/** The queue as it stands: lists, counts, filters, colleagues, and what is new in it. */
import { debounced } from '../lib/debounce'
import { defineStore } from 'pinia'
import { computed, reactive, ref, shallowRef } from 'vue'
import type { QueueEvent, SessionSummary, Stats } from '../api/wire'
import { counted, hasFilters, listed, NO_FILTERS, type ListName, type Order } from '../lib/backlog'
import { NO_LINE, openLine, type Line, type LineView } from '../lib/line'
import { useAccount } from './account'
import { useAlerts } from './alerts'
import { useClock } from './clock'

const SEARCH_MS = 300
const TEAM_MS = 400
/** One point each so often, for the drawn course of the queue. */
const SAMPLE_MS = 5000
const SAMPLES = 720

export interface Sample {
  at: number
  waiting: number
  longest: number
}

export const useQueue = defineStore('queue', () => {
  const account = useAccount()
  const clock = useClock()
  const alerts = useAlerts()
  const view = shallowRef<LineView>(NO_LINE)
  const list = ref<ListName>('waiting')
  const order = ref<Order>('priority')
  const filters = reactive({ ...NO_FILTERS })
  const onDuty = ref<number | null>(null)
  /** When the live line broke last, by our clock; 0 while it has never been there. */
  const lostAt = ref(0)
  const isSearching = ref(false)
  /** Rises with every change in the queue: who shows figures reads them anew. */
  const changes = ref(0)
  const samples = shallowRef<readonly Sample[]>([])
  let line: Line | null = null
  let sampler: ReturnType<typeof setInterval> | undefined

  const me = computed(() => account.agent?.id ?? '')
  const counts = computed(() => counted(view.value.backlog, me.value))
  const shown = computed(() =>
    listed(view.value.backlog, { list: list.value, me: me.value, filters, order: order.value }),
  )
  const isFiltered = computed(() => hasFilters(filters))
  /** A search among all looks at what is listed so far; `null` where that is everything. */
  const looked = computed(() => {
    const { asked, total } = view.value
    const isSought = list.value === 'all' && (isFiltered.value || filters.text.trim() !== '')
    return isSought && asked < total ? { asked, total } : null
  })
  const longestWait = computed(() => {
    const since = counts.value.longestSince
    return since === null ? 0 : Math.max(0, clock.now - since)
  })
  const languages = computed(() => {
    const found = new Set<string>()
    for (const session of view.value.backlog.values()) {
      const code = (session.user_profile.language ?? '').slice(0, 2).toLowerCase()
      if (code) found.add(code)
    }
    return [...found].sort()
  })

  const readTeam = debounced(async () => {
    try {
      const { data } = await account.api.get<{ data: Stats }>('/api/sessions/stats')
      onDuty.value = data.active_agents
    } catch {
      // The next change of anybody's presence asks again.
    }
  }, TEAM_MS)

  function hear(event: QueueEvent): void {
    if (event.type === 'agent_status') {
      if (event.agent.id === me.value) account.learn(event.agent)
      readTeam()
    } else if (event.type === 'transfer') alerts.transferred(view.value.backlog.get(event.session_name))
    else if (event.type === 'kicked') account.end('kicked')
  }

  function start(): void {
    stop()
    line = openLine({
      api: account.api,
      isLive: account.serves,
      onChange: take,
      onNews: (news) => {
        changes.value += 1
        alerts.weigh(news, me.value)
      },
      onEvent: hear,
      onServerTime: clock.set,
    })
    // Without live updates the queue is known when it is read, and not in between.
    if (account.serves) sampler = setInterval(sample, SAMPLE_MS)
  }

  function take(next: LineView): void {
    const before = view.value
    view.value = next
    if (before.phase === 'open' && next.phase !== 'open') lostAt.value = Date.now() / 1000
    if (next.readAt === before.readAt) return
    changes.value += 1
    readTeam()
    if (samples.value.length === 0 || !account.serves) sample()
  }

  function sample(): void {
    if (view.value.isLoading) return
    const point = { at: Date.now() / 1000, waiting: counts.value.waiting, longest: longestWait.value }
    samples.value = [...samples.value.slice(1 - SAMPLES), point]
  }

  function stop(): void {
    line?.stop()
    line = null
    clearInterval(sampler)
    view.value = NO_LINE
    samples.value = []
  }

  const askServer = debounced(async (text: string) => {
    isSearching.value = true
    await line?.search(text).catch(() => undefined)
    isSearching.value = false
  }, SEARCH_MS)

  function search(text: string): void {
    filters.text = text
    if (text.trim().length >= 2) askServer(text.trim())
  }

  /** `1000+` where there are more than were fetched. */
  function figure(of: 'waiting' | 'mine' | 'after_hours'): string {
    const status = { waiting: 'pending_manual', mine: 'manual_live', after_hours: 'after_hours_email' } as const
    return `${counts.value[of]}${view.value.cut.has(status[of]) ? '+' : ''}`
  }

  function clearFilters(): void {
    Object.assign(filters, NO_FILTERS)
  }

  return {
    view,
    list,
    order,
    filters,
    counts,
    shown,
    isFiltered,
    looked,
    isSearching,
    longestWait,
    languages,
    onDuty,
    lostAt,
    changes,
    samples,
    start,
    stop,
    search,
    clearFilters,
    figure,
    reload: () => line?.reload(),
    loadMore: () => line?.loadMore(),
    find: (name: string): SessionSummary | undefined => view.value.backlog.get(name),
    adopt: (session: SessionSummary) => line?.adopt(session),
    forget: (name: string) => line?.forget(name),
  }
})
