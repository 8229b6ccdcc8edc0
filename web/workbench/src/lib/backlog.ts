/** The queue as an agent reads it: which sessions stand in which list, in which order. Pure. */
import type { SessionSummary } from '../api/wire'

export type ListName = 'waiting' | 'mine' | 'after_hours' | 'all'
export const LISTS: readonly ListName[] = ['waiting', 'mine', 'after_hours', 'all']

export type Order = 'priority' | 'newest' | 'unread'
export const ORDERS: readonly Order[] = ['priority', 'newest', 'unread']

export interface Filters {
  text: string
  reason: string
  language: string
  vipOnly: boolean
  unreadOnly: boolean
}

export const NO_FILTERS: Filters = { text: '', reason: '', language: '', vipOnly: false, unreadOnly: false }

export type Backlog = ReadonlyMap<string, SessionSummary>

/** Versions rise with each commit, so what is not newer was seen already. */
export function isNewer(known: SessionSummary | undefined, fresh: SessionSummary): boolean {
  if (!known) return true
  if (fresh.version !== known.version) return fresh.version > known.version
  return fresh.updated_at > known.updated_at
}

export function belongs(session: SessionSummary, list: ListName, me: string): boolean {
  switch (list) {
    case 'waiting':
      return session.status === 'pending_manual'
    case 'mine':
      return session.status === 'manual_live' && session.assigned_agent?.id === me
    case 'after_hours':
      return session.status === 'after_hours_email'
    case 'all':
      return true
  }
}

export function passes(session: SessionSummary, filters: Filters): boolean {
  if (filters.vipOnly && !session.user_profile.vip) return false
  if (filters.unreadOnly && !session.unread) return false
  if (filters.reason && session.escalation?.reason !== filters.reason) return false
  if (filters.language && !languageOf(session).startsWith(filters.language)) return false
  const wanted = filters.text.trim().toLocaleLowerCase()
  return wanted === '' || textsOf(session).some((text) => text.toLocaleLowerCase().includes(wanted))
}

function textsOf(session: SessionSummary): string[] {
  const { nickname, email } = session.user_profile
  const agent = session.assigned_agent?.name
  return [session.session_name, nickname, email, agent, session.last_message_preview].filter((text) => !!text) as string[]
}

export function languageOf(session: Pick<SessionSummary, 'user_profile'>): string {
  return (session.user_profile.language ?? '').slice(0, 2).toLowerCase()
}

export function hasFilters(filters: Filters): boolean {
  return filters.reason !== '' || filters.language !== '' || filters.vipOnly || filters.unreadOnly
}

/** Danger first, then VIPs, then who asked first; where nobody waits, what needs an answer. */
export function priority(a: SessionSummary, b: SessionSummary): number {
  return (
    Number(isUrgent(b)) - Number(isUrgent(a)) ||
    Number(b.user_profile.vip ?? false) - Number(a.user_profile.vip ?? false) ||
    askedAt(a) - askedAt(b) ||
    newest(a, b)
  )
}

/** Who is put back into the queue keeps the place of the first request. */
function askedAt(session: SessionSummary): number {
  return session.escalation?.trigger_at ?? session.waiting_since ?? Infinity
}

/** When somebody spoke last: reading and profiles change a session too, and nobody waits for those. */
export function spokenAt(session: SessionSummary): number {
  return session.last_message_at ?? session.updated_at
}

/** `Infinity - Infinity` is NaN, and NaN is falsy: the next criterion decides. */
function newest(a: SessionSummary, b: SessionSummary): number {
  return spokenAt(b) - spokenAt(a) || a.session_name.localeCompare(b.session_name)
}

const RANK: Record<SessionSummary['status'], number> = {
  pending_manual: 0,
  manual_live: 1,
  after_hours_email: 2,
  bot_active: 3,
  closed: 4,
}

const COMPARE: Record<Order, (a: SessionSummary, b: SessionSummary) => number> = {
  priority: (a, b) => RANK[a.status] - RANK[b.status] || (isWaiting(a) ? priority(a, b) : newest(a, b)),
  newest,
  unread: (a, b) => (b.unread ?? 0) - (a.unread ?? 0) || newest(a, b),
}

export function isUrgent(session: Pick<SessionSummary, 'escalation' | 'status'>): boolean {
  return session.escalation?.severity === 'high'
}

export function isWaiting(session: Pick<SessionSummary, 'status'>): boolean {
  return session.status === 'pending_manual' || session.status === 'after_hours_email'
}

export function listed(
  backlog: Backlog,
  { list, me, filters, order }: { list: ListName; me: string; filters: Filters; order: Order },
): SessionSummary[] {
  const found: SessionSummary[] = []
  for (const session of backlog.values()) {
    if (belongs(session, list, me) && passes(session, filters)) found.push(session)
  }
  return found.sort(COMPARE[order])
}

export interface Counts {
  waiting: number
  mine: number
  after_hours: number
  /** Messages of my visitors that nobody has answered. */
  unanswered: number
  /** Since when the one who waits longest waits. */
  longestSince: number | null
}

export function counted(backlog: Backlog, me: string): Counts {
  const counts: Counts = { waiting: 0, mine: 0, after_hours: 0, unanswered: 0, longestSince: null }
  for (const session of backlog.values()) {
    if (session.status === 'pending_manual') {
      counts.waiting += 1
      const since = session.waiting_since ?? null
      if (since !== null && (counts.longestSince === null || since < counts.longestSince)) counts.longestSince = since
    } else if (session.status === 'after_hours_email') counts.after_hours += 1
    else if (belongs(session, 'mine', me)) {
      counts.mine += 1
      counts.unanswered += session.unread ?? 0
    }
  }
  return counts
}
