/** Keys that work wherever nothing else takes them. */
import { onBeforeUnmount, onMounted } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { listed, NO_FILTERS } from '../lib/backlog'
import { actOf, isTaken, type KeyAct } from '../lib/keys'
import { useAccount } from '../stores/account'
import { useCommands } from '../stores/commands'
import { useConversation, type Act } from '../stores/conversation'
import { usePanel } from '../stores/panel'
import { usePreferences } from '../stores/preferences'
import { useQueue } from '../stores/queue'

export function useShortcuts({ help }: { help: () => void }): void {
  const account = useAccount()
  const queue = useQueue()
  const conversation = useConversation()
  const commands = useCommands()
  const panel = usePanel()
  const preferences = usePreferences()
  const route = useRoute()
  const router = useRouter()

  function open(name: string | undefined): void {
    if (name) void router.push({ name: 'conversation', params: { name } })
  }

  function step(by: number): void {
    const names = queue.shown.map((session) => session.session_name)
    const at = names.indexOf(String(route.params['name'] ?? ''))
    open(at < 0 ? names[0] : names[Math.min(names.length - 1, Math.max(0, at + by))])
  }

  function nextWaiting(): void {
    const me = account.agent?.id ?? ''
    const waiting = listed(queue.view.backlog, { list: 'waiting', me, filters: NO_FILTERS, order: 'priority' })
    queue.list = 'waiting'
    open(waiting.find((session) => session.session_name !== conversation.name)?.session_name ?? waiting[0]?.session_name)
  }

  function run(act: Act): void {
    if (conversation.acts.has(act) && !conversation.busy) commands.present?.run(act)
  }

  const onDesk: Partial<Record<KeyAct, () => void>> = {
    list_waiting: () => (queue.list = 'waiting'),
    list_mine: () => (queue.list = 'mine'),
    list_after_hours: () => (queue.list = 'after_hours'),
    list_all: () => (queue.list = 'all'),
    search: () => document.getElementById('queue-search')?.focus(),
    next: () => step(1),
    previous: () => step(-1),
    next_waiting: nextWaiting,
    takeover: () => run('takeover'),
    transfer: () => run('transfer'),
    release: () => run('release'),
    requeue: () => run('requeue'),
    close: () => run('close'),
    reply: () => commands.present?.reply(),
    leave: () => commands.present?.leave(),
    details: panel.toggle,
  }

  function press(event: KeyboardEvent): void {
    if (account.phase !== 'in' || !preferences.shortcuts || isTaken(event.target, document)) return
    const act = actOf(event)
    if (!act) return
    const isOnDesk = route.name === 'desk' || route.name === 'conversation'
    const what = act === 'help' ? help : isOnDesk ? onDesk[act] : undefined
    if (!what) return
    event.preventDefault()
    what()
  }

  onMounted(() => addEventListener('keydown', press))
  onBeforeUnmount(() => removeEventListener('keydown', press))
}
