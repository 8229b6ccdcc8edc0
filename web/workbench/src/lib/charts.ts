/** The day's figures as series for drawing. Pure. */
import type { Stats, Status } from '../api/wire'

export interface Bar {
  key: string
  value: number
}

const STATUSES: readonly Status[] = ['pending_manual', 'manual_live', 'after_hours_email', 'bot_active', 'closed']
const TODAY = ['sessions', 'escalations', 'takeovers', 'transfers', 'requeues', 'closed', 'abandoned', 'mails'] as const

export function byStatus(stats: Stats): Bar[] {
  return STATUSES.map((status) => ({ key: status, value: stats.by_status[status] ?? 0 }))
}

export function byReason(stats: Stats): Bar[] {
  return Object.entries(stats.by_escalation_reason)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => b.value - a.value)
}

export function today(stats: Stats): Bar[] {
  return TODAY.map((key) => ({ key, value: Number(stats.today[key] ?? 0) }))
}

/** The busiest first; more than these make no readable chart. */
export function byAgent(stats: Stats, most = 12): { name: string; takeovers: number; messages: number; service: number }[] {
  return [...stats.agent_efficiency]
    .sort((a, b) => b.takeovers - a.takeovers || b.messages - a.messages)
    .slice(0, most)
    .map((one) => ({
      name: one.agent_name || one.agent_id.slice(0, 6),
      takeovers: one.takeovers,
      messages: one.messages,
      service: one.avg_service_time,
    }))
}
