/** Makes itself noticed when somebody new waits or one of mine has written: sound, desktop, title. */
import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { SessionSummary } from '../api/wire'
import { useTexts } from '../i18n'
import { belongs, spokenAt } from '../lib/backlog'
import { gatherBursts } from '../lib/bursts'
import { createPlayer } from '../lib/tone'
import { visitorName } from '../lib/words'
import { usePreferences } from './preferences'

/** So long apart are two sounds, or two notifications, about the same kind of thing. */
const APART_MS = 3000
/** So many are named in a notification. */
const NAMED = 4

type Kind = 'waiting' | 'message'

export interface Change {
  before: SessionSummary | undefined
  after: SessionSummary
}

export const useAlerts = defineStore('alerts', () => {
  const preferences = usePreferences()
  const { t } = useTexts()
  const player = createPlayer()
  const permission = ref<NotificationPermission | 'unsupported'>(
    typeof Notification === 'undefined' ? 'unsupported' : Notification.permission,
  )
  /** Read out to screen readers; the newest only. */
  const spoken = ref('')
  /** The conversation in front of the agent makes no noise. */
  let present: { name: string; isSeen: () => boolean } | null = null
  let open: (name: string | null) => void = () => undefined
  const waiting = gatherBursts<SessionSummary>(APART_MS, (sessions) => alert('waiting', sessions))
  const written = gatherBursts<SessionSummary>(APART_MS, (sessions) => alert('message', sessions))

  function weigh(changes: readonly Change[], me: string): void {
    for (const change of changes) {
      const { after } = change
      if (startedWaiting(change)) waiting.add(after.session_name, after)
      else if (wroteToMe(change, me) && !isInFront(after.session_name)) written.add(after.session_name, after)
      // Whom somebody has taken meanwhile, or whom I have answered, needs no sound any more.
      if (after.status !== 'pending_manual') waiting.drop(after.session_name)
      if (!belongs(after, 'mine', me) || !after.unread) written.drop(after.session_name)
    }
    waiting.flush()
    written.flush()
  }

  /** Nobody is there to be told. */
  function hush(): void {
    waiting.stop()
    written.stop()
  }

  function transferred(session: SessionSummary | undefined): void {
    if (session) alert('message', [session], t('alert.transferred', { name: nameOf(session) }))
    else if (preferences.sound) player.play('message')
  }

  function isInFront(name: string): boolean {
    return present?.name === name && present.isSeen()
  }

  function alert(kind: Kind, sessions: readonly SessionSummary[], words = wordsAbout(kind, sessions)): void {
    spoken.value = words
    if (preferences.sound) player.play(kind)
    notify(words, kind, sessions)
  }

  function wordsAbout(kind: Kind, sessions: readonly SessionSummary[]): string {
    if (sessions.length > 1) return t(`alert.${kind}_many`, { count: sessions.length })
    return t(`alert.${kind}`, { name: nameOf(sessions[0]!) })
  }

  function nameOf(session: SessionSummary): string {
    return visitorName(session, t('visitor.anonymous'))
  }

  function notify(title: string, kind: Kind, sessions: readonly SessionSummary[]): void {
    if (!preferences.notifications || permission.value !== 'granted' || !document.hidden) return
    const [first] = sessions
    const one = sessions.length === 1 ? first : undefined
    const names = sessions.slice(0, NAMED).map(nameOf).join(', ') + (sessions.length > NAMED ? ' …' : '')
    const body = one ? (one.last_message_preview ?? '') : names
    const note = new Notification(title, { body, tag: one?.session_name ?? kind })
    note.onclick = () => {
      window.focus()
      open(one?.session_name ?? null)
      note.close()
    }
  }

  /** Must come from a click: browsers ask the person only then. */
  async function allow(): Promise<boolean> {
    if (permission.value === 'unsupported') return false
    permission.value = await Notification.requestPermission()
    preferences.notifications = permission.value === 'granted'
    return preferences.notifications
  }

  return {
    spoken,
    permission,
    weigh,
    transferred,
    hush,
    allow,
    unlock: player.unlock,
    play: player.play,
    watch: (what: typeof present) => (present = what),
    /** To a conversation, or to the queue. */
    lead: (name: string | null) => open(name),
    onOpen: (act: typeof open) => (open = act),
  }
})

export function startedWaiting({ before, after }: Change): boolean {
  return after.status === 'pending_manual' && before?.status !== 'pending_manual'
}

/** By the message's time: what an earlier one was read by may have come in the same moment. */
export function wroteToMe({ before, after }: Change, me: string): boolean {
  const isNew = spokenAt(after) > (before ? spokenAt(before) : 0)
  return isNew && belongs(after, 'mine', me) && after.last_message_role === 'user' && Boolean(after.unread)
}
