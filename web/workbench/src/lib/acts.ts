/** What may be done with a conversation, by its state and by who asks. Pure; the server decides. */
import type { Status } from '../api/wire'
import type { Act } from '../stores/conversation'

export interface Standing {
  status: Status | null
  isMine: boolean
  /** Supervisors and admins may act on what others hold. */
  leads: boolean
}

export function actsFor({ status, isMine, leads }: Standing): ReadonlySet<Act> {
  const acts = new Set<Act>()
  if (status === 'pending_manual' || status === 'after_hours_email') acts.add('takeover')
  if (status === 'after_hours_email') acts.add('release')
  if (status === 'bot_active' || status === 'closed') acts.add('escalate')
  if (status === 'manual_live' && (isMine || leads)) {
    for (const act of ['transfer', 'release', 'requeue', 'close'] as const) acts.add(act)
  }
  return acts
}
