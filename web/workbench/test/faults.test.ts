// @vitest-environment happy-dom
/** What can go wrong at the desk: each in its own words, and nothing typed is lost by it. */
import { ApiError } from '@fiido-kefu/transport'
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import type { Login } from '../src/api/wire'
import { createTexts, TEXTS, type Language, type Texts } from '../src/i18n'
import { wordsFor } from '../src/lib/problems'
import { useAccount } from '../src/stores/account'
import { useConversation } from '../src/stores/conversation'
import { useDrafts, useReason } from '../src/stores/drafts'
import { useNotices } from '../src/stores/notices'
import { FakeDesk, failure, loginAnswer, summary } from './fake-desk'

const FAULTS: readonly [what: string, code: string, status: number, details?: Record<string, unknown>][] = [
  ['a wrong password', 'INVALID_CREDENTIALS', 401],
  ['a locked account', 'LOGIN_LOCKED', 429],
  ['an expired token', 'TOKEN_EXPIRED', 401],
  ['a revoked token', 'TOKEN_REVOKED', 401],
  ['a conversation that was closed', 'INVALID_STATUS', 409, { status: 'closed' }],
  ['one that is with the AI again', 'INVALID_STATUS', 409, { status: 'bot_active' }],
  ['one that is back in the queue', 'INVALID_STATUS', 409, { status: 'pending_manual' }],
  ['a race that was lost', 'ALREADY_TAKEN', 409, { agent_name: 'Bob', status: 'manual_live' }],
  ['one that somebody else has now', 'NOT_ASSIGNED', 409, { agent_name: 'Bob' }],
  ['no room for one more', 'AGENT_AT_CAPACITY', 409],
  ['a colleague who has no room', 'AGENT_AT_CAPACITY', 409, { agent_name: 'Bob' }],
  ['a colleague who went offline', 'AGENT_OFFLINE', 409, { agent_name: 'Bob' }],
  ['a message that is too long', 'VALIDATION_ERROR', 422, { fields: [{ field: 'content' }] }],
  ['a gateway that restarts', 'OFFLINE', 0],
  ['a service that restarts', 'UNAVAILABLE', 503],
  ['a server that does not answer', 'TIMEOUT', 0],
  ['a result that is not known', 'UNCONFIRMED', 503],
  ['too many connections', 'GATEWAY_FULL', 503],
  ['a conversation that is gone', 'NOT_FOUND', 404],
  ['a right that is lacking', 'FORBIDDEN', 403],
]

function textsIn(language: Language): Texts {
  const { t, te } = createTexts(language).global
  return { t: (key, values = {}) => t(key, values), te: (key) => te(key) }
}

describe.each(['zh', 'en'] as const)('in %s', (language) => {
  const words = FAULTS.map(([, code, status, details]) =>
    wordsFor(new ApiError(code, 'as the server says', status, 3000, details), textsIn(language)),
  )

  it.each(FAULTS.map(([what], at) => [what, words[at]!]))('%s is told: %s', (_what, told) => {
    expect(told).not.toContain('as the server says')
    expect(told).not.toMatch(/[{}]|problem\./)
    expect(/[\u4e00-\u9fff]/.test(told)).toBe(language === 'zh')
  })

  it('each has its own', () => {
    expect(new Set(words).size).toBe(words.length)
  })

  it('a Redis that restarts reads like any service that does', () => {
    const told = wordsFor(new ApiError('STATE_UNAVAILABLE', 'as the server says', 503), textsIn(language))
    expect(told).toBe(words[FAULTS.findIndex(([, code]) => code === 'UNAVAILABLE')])
  })
})

describe('in the middle of an act', () => {
  let desk: FakeDesk
  let app: VueWrapper

  beforeEach(async () => {
    desk = new FakeDesk()
    vi.stubGlobal('fetch', desk.fetch)
    window.matchMedia = vi.fn().mockReturnValue({ matches: false, addEventListener: () => undefined }) as never
    sessionStorage.clear()
    const pinia = createPinia()
    setActivePinia(pinia)
    const nothing = defineComponent({ render: () => h('p') })
    app = mount(nothing, { global: { plugins: [pinia], provide: { [TEXTS as symbol]: textsIn('en') } } })
    pinia._a.runWithContext(() => useConversation())
    const { agent, permissions } = loginAnswer('t') as Login
    desk.on('POST', '/api/agent/login', () => ({ body: { ...loginAnswer('t'), agent, permissions } }))
    await useAccount().login('mia', 'secret')
    const session = summary('s', { status: 'manual_live', assigned_agent: { id: 'me', name: 'Mia' } })
    useConversation().name = 's'
    useConversation().view = { session, log: { version: 0 }, trail: [] } as never
    useDrafts().keep('s', 'half an answer')
    useReason('s', 'release').value = 'they want to think'
    await flushPromises()
  })
  afterEach(() => {
    useAccount().end('left')
    app.unmount()
    vi.unstubAllGlobals()
  })

  const told = (): string => useNotices().notices.map((notice) => notice.text).join()

  it.each(FAULTS.filter(([, , status]) => status !== 401 && status !== 0))('%s costs nothing that was typed', async (_what, code, status, details) => {
    desk.on('POST', '/api/sessions/s/release', () => ({ status, body: failure(code, details) }))
    expect(await useConversation().act('release', {})).toBe(false)
    expect(told()).not.toBe('')
    expect(useDrafts().of('s')).toBe('half an answer')
    expect(useReason('s', 'release').value).toBe('they want to think')
  })

  it.each(['TOKEN_EXPIRED', 'TOKEN_REVOKED'])('%s ends the login and keeps answer and reason for the next', async (code) => {
    desk.on('POST', '/api/sessions/s/release', () => ({ status: 401, body: failure(code) }))
    desk.on('POST', '/api/agent/refresh', () => ({ status: 401, body: failure(code) }))
    expect(await useConversation().act('release', {})).toBe(false)
    expect(useAccount().phase).toBe('out')
    expect(told()).toContain('is kept')
    await useAccount().login('mia', 'secret')
    expect(useDrafts().of('s')).toBe('half an answer')
    expect(useReason('s', 'release').value).toBe('they want to think')
  })
})
