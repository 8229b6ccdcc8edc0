/** Makes itself noticed when somebody new waits or one of mine has written: sound, desktop, title. */
import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { SessionSummary } from '../api/wire'
import { useTexts } from '../i18n'
import { belongs } from '../lib/backlog'
import { createPlayer } from '../lib/tone'
import { visitorName } from '../lib/words'
import { usePreferences } from './preferences'

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
  let open: (name: string) => void = () => undefined

  function weigh(changes: readonly Change[], me: string): void {
    for (const change of changes) {
      if (startedWaiting(change)) alert('waiting', change.after)
      else if (wroteToMe(change, me) && !isInFront(change.after.session_name)) alert('message', change.after)
    }
  }

  function transferred(name: string, session: SessionSummary | undefined): void {
    if (session) alert('message', session, t('alert.transferred', { name: nameOf(session) }))
    else if (preferences.sound) player.play('message')
    void name
  }

  function isInFront(name: string): boolean {
    return present?.name === name && present.isSeen()
  }

  function alert(kind: 'waiting' | 'message', session: SessionSummary, words?: string): void {
    const title = words ?? t(`alert.${kind}`, { name: nameOf(session) })
    spoken.value = title
    if (preferences.sound) player.play(kind)
    notify(title, session)
  }

  function nameOf(session: SessionSummary): string {
    return visitorName(session, t('visitor.anonymous'))
  }

  function notify(title: string, session: SessionSummary): void {
    if (!preferences.notifications || permission.value !== 'granted' || !document.hidden) return
    const note = new Notification(title, { body: session.last_message_preview ?? '', tag: session.session_name })
    note.onclick = () => {
      window.focus()
      open(session.session_name)
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
    allow,
    unlock: player.unlock,
    play: player.play,
    watch: (what: typeof present) => (present = what),
    onOpen: (act: typeof open) => (open = act),
  }
})

export function startedWaiting({ before, after }: Change): boolean {
  return after.status === 'pending_manual' && before?.status !== 'pending_manual'
}

export function wroteToMe({ before, after }: Change, me: string): boolean {
  return belongs(after, 'mine', me) && after.last_message_role === 'user' && (after.unread ?? 0) > (before?.unread ?? 0)
}
