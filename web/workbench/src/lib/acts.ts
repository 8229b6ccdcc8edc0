/** What may be done with a conversation, by its state and by who asks. Pure; the server decides. */
import type { Status } from '../api/wire'
import type { Act } from '../stores/conversation'

export interface Standing {
  status: Status | null
  /** Guests look on. */
  serves: boolean
  isMine: boolean
  /** Supervisors and admins may act on what others hold. */
  leads: boolean
}

export function actsFor({ status, serves, isMine, leads }: Standing): ReadonlySet<Act> {
  const acts = new Set<Act>()
  if (!serves) return acts
  if (status === 'pending_manual' || status === 'after_hours_email') acts.add('takeover')
  if (status === 'after_hours_email') acts.add('release')
  if (status === 'bot_active' || status === 'closed') acts.add('escalate')
  if (status === 'manual_live' && (isMine || leads)) {
    for (const act of ['transfer', 'release', 'requeue', 'close'] as const) acts.add(act)
  }
  return acts
}

/** Acts that take a word about why; the team reads it in what happened to the conversation. */
export type Reasoned = 'takeover' | 'transfer' | 'release' | 'settle' | 'requeue' | 'close'

/** What is said most, to be said with one press. */
export const OFFERED: Record<Reasoned, readonly string[]> = {
  takeover: ['my_case', 'my_language', 'my_topic'],
  transfer: ['specialist', 'language', 'shift_end'],
  release: ['answered', 'no_reply'],
  settle: ['by_mail', 'answered'],
  requeue: ['specialist', 'shift_end'],
  close: ['answered', 'no_reply', 'spam'],
}
