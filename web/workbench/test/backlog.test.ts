import { describe, expect, it } from 'vitest'
import { counted, isNewer, listed, NO_FILTERS, type Backlog, type Filters, type ListName, type Order } from '../src/lib/backlog'
import type { SessionSummary } from '../src/api/wire'
import { summary } from './fake-desk'

const backlog = (...sessions: SessionSummary[]): Backlog => new Map(sessions.map((one) => [one.session_name, one]))
const names = (sessions: SessionSummary[], list: ListName, filters: Partial<Filters> = {}, order: Order = 'priority') =>
  listed(backlog(...sessions), { list, me: 'me', filters: { ...NO_FILTERS, ...filters }, order }).map((one) => one.session_name)
const mine = { status: 'manual_live', assigned_agent: { id: 'me', name: 'Mia' } } as const

describe('the waiting list', () => {
  it('has danger first, then VIPs, then who has waited longest', () => {
    const sessions = [
      summary('late', { waiting_since: 50 }),
      summary('early', { waiting_since: 20 }),
      summary('vip', { waiting_since: 60, user_profile: { vip: true } }),
      summary('smoke', { waiting_since: 70, escalation: { id: 'e', reason: 'keyword', severity: 'high', trigger_at: 70 } }),
    ]
    expect(names(sessions, 'waiting')).toEqual(['smoke', 'vip', 'early', 'late'])
  })

  it('keeps the first place of who is put back, ahead of newer ones', () => {
    const escalation = { id: 'e', reason: 'manual', severity: 'low', trigger_at: 10 } as const
    const sessions = [summary('newer', { waiting_since: 20 }), summary('put-back', { waiting_since: 90, escalation })]
    expect(names(sessions, 'waiting')).toEqual(['put-back', 'newer'])
  })

  it('orders sessions without a waiting time by what changed last, never by chance', () => {
    const sessions = [summary('a', { waiting_since: null, updated_at: 1 }), summary('b', { waiting_since: null, updated_at: 2 })]
    expect(names(sessions, 'waiting')).toEqual(['b', 'a'])
    expect(names([...sessions].reverse(), 'waiting')).toEqual(['b', 'a'])
  })
})

describe('lists', () => {
  const sessions = [
    summary('waits'),
    summary('is-mine', mine),
    summary('hers', { ...mine, assigned_agent: { id: 'she', name: 'Lea' } }),
    summary('mail', { status: 'after_hours_email' }),
    summary('ai', { status: 'bot_active' }),
  ]

  it('hold what their name says', () => {
    expect(names(sessions, 'waiting')).toEqual(['waits'])
    expect(names(sessions, 'mine')).toEqual(['is-mine'])
    expect(names(sessions, 'after_hours')).toEqual(['mail'])
    expect(names(sessions, 'all')).toHaveLength(5)
  })

  it('count waiting, mine, unanswered and the longest wait', () => {
    const more = [...sessions, summary('waits-longer', { waiting_since: 3 }), summary('asks', { ...mine, unread: 4 })]
    expect(counted(backlog(...more), 'me')).toEqual({ waiting: 2, mine: 2, after_hours: 1, unanswered: 4, longestSince: 3 })
  })
})

describe('filters', () => {
  const sessions = [
    summary('s-1', { user_profile: { nickname: 'Jonas', language: 'de-AT', vip: true }, unread: 2 }),
    summary('s-2', { user_profile: { nickname: '王小明', language: 'zh' }, escalation: { id: 'e', reason: 'vip', trigger_at: 1 } }),
    summary('s-3', { last_message_preview: 'The BATTERY is hot', user_profile: { email: 'a@b.test' } }),
  ]

  it.each<[Partial<Filters>, string[]]>([
    [{ text: 'jona' }, ['s-1']],
    [{ text: '小明' }, ['s-2']],
    [{ text: 'battery' }, ['s-3']],
    [{ text: 'a@b' }, ['s-3']],
    [{ text: ' s-2 ' }, ['s-2']],
    [{ vipOnly: true }, ['s-1']],
    [{ unreadOnly: true }, ['s-1']],
    [{ language: 'de' }, ['s-1']],
    [{ reason: 'vip' }, ['s-2']],
    [{ reason: 'vip', vipOnly: true }, []],
  ])('%j leaves %j', (filters, left) => {
    expect(names(sessions, 'all', filters)).toEqual(left)
  })
})

it('takes only what is newer, so that repeats and stragglers change nothing', () => {
  const known = summary('s', { version: 5, updated_at: 50 })
  expect(isNewer(undefined, known)).toBe(true)
  expect(isNewer(known, known)).toBe(false)
  expect(isNewer(known, { ...known, version: 4, updated_at: 99 })).toBe(false)
  expect(isNewer(known, { ...known, version: 6, updated_at: 1 })).toBe(true)
  expect(isNewer(known, { ...known, updated_at: 51 })).toBe(true)
})
