/** Who is at the desk: login, silent refresh, presence, rights. */
import { ApiError, backoffMs, onReturn } from '@fiido-kefu/transport'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { createApi } from '../api/client'
import type { Agent, Login, Presence } from '../api/wire'
import { usePreferences } from './preferences'

/** Well under the 90 s after which a silent agent counts as gone. */
const HEARTBEAT_MS = 40_000

/** restoring: is there a login from before? · unreachable: nobody answers that question now. */
export type Phase = 'restoring' | 'unreachable' | 'out' | 'in'
export type Farewell = 'none' | 'left' | 'expired' | 'kicked'

export const useAccount = defineStore('account', () => {
  const preferences = usePreferences()
  const phase = ref<Phase>('restoring')
  const agent = shallowRef<Agent | null>(null)
  const permissions = shallowRef<ReadonlySet<string>>(new Set())
  const farewell = ref<Farewell>('none')
  let heartbeat: ReturnType<typeof setInterval> | undefined
  let attempt = 0

  const api = createApi({
    baseUrl: '',
    language: () => preferences.language,
    onSession: (login: Login) => {
      agent.value = login.agent
      permissions.value = new Set(login.permissions)
    },
    onExpired: () => end('expired'),
  })

  const may = (right: string): boolean => permissions.value.has(right)
  const serves = computed(() => permissions.value.has('GET /api/agent/events'))
  const isAdmin = computed(() => permissions.value.has('GET /api/agents'))
  const leads = computed(() => agent.value?.role === 'supervisor' || agent.value?.role === 'admin')

  function begin(): void {
    phase.value = 'in'
    farewell.value = 'none'
    clearInterval(heartbeat)
    if (serves.value) heartbeat = setInterval(() => void beat(), HEARTBEAT_MS)
  }

  function end(why: Farewell): void {
    if (phase.value === 'out') return
    clearInterval(heartbeat)
    api.stop()
    phase.value = 'out'
    farewell.value = why
  }

  /** The cookie of an earlier login opens the desk without a password. */
  async function restore(): Promise<void> {
    try {
      if (await api.refresh()) begin()
      else phase.value = 'out'
    } catch {
      phase.value = 'unreachable'
      setTimeout(() => void restore(), backoffMs((attempt += 1), Math.random))
    }
  }

  async function login(username: string, password: string): Promise<void> {
    await api.login(username, password)
    begin()
  }

  async function logout(): Promise<void> {
    await api.logout().catch(() => undefined)
    end('left')
  }

  async function setPresence(status: Presence): Promise<void> {
    const { data } = await api.call<{ data: Agent }>('PUT', '/api/agent/status', { body: { status } })
    agent.value = data
  }

  async function beat(): Promise<void> {
    try {
      const { data } = await api.post<{ data: { status: Presence } }>('/api/agent/status/heartbeat')
      learn({ status: data.status })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  }

  /** What the queue's stream, or another call, says about this very agent. */
  function learn(change: Partial<Agent>): void {
    if (agent.value) agent.value = { ...agent.value, ...change }
  }

  const stopListening = onReturn(() => {
    if (phase.value !== 'in') return
    void api.keepFresh().then(async () => {
      if (serves.value && phase.value === 'in') await beat()
    })
  })

  return {
    api,
    phase,
    agent,
    farewell,
    may,
    serves,
    isAdmin,
    leads,
    restore,
    login,
    logout,
    setPresence,
    learn,
    end,
    stopListening,
  }
})
