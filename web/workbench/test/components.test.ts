// @vitest-environment happy-dom
import { ApiError } from '@fiido-kefu/transport'
import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Component } from 'vue'
import type { Login } from '../src/api/wire'
import { useAccount } from '../src/stores/account'
import { useConversation } from '../src/stores/conversation'
import { useDrafts } from '../src/stores/drafts'
import { useLimits } from '../src/stores/limits'
import { usePreferences } from '../src/stores/preferences'
import Composer from '../src/ui/Composer.vue'
import ConversationPane from '../src/ui/ConversationPane.vue'
import MessageRow from '../src/ui/MessageRow.vue'
import QueueRow from '../src/ui/QueueRow.vue'
import LoginView from '../src/views/LoginView.vue'
import { draw as drawn, freshDesk } from './draw'
import { failure, loginAnswer, message, summary, type FakeDesk } from './fake-desk'

let desk: FakeDesk
let shown: VueWrapper | null = null

/** The one that stands on the page; the next test starts with none. */
async function draw(component: Component, props: object = {}): Promise<VueWrapper> {
  return (shown = await drawn(component, props))
}

beforeEach(() => {
  desk = freshDesk()
})
afterEach(() => {
  shown?.unmount()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('the login', () => {
  const submit = async (page: VueWrapper): Promise<void> => {
    await page.find('input[name=username]').setValue('mia')
    await page.find('input[name=password]').setValue('secret')
    await page.find('form').trigger('submit')
    await flushPromises()
  }

  it('counts down while it is locked, and lets in afterwards', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    desk.on('POST', '/api/agent/login', () => ({ status: 429, body: failure('LOGIN_LOCKED'), headers: { 'Retry-After': '90' } }))
    const page = await draw(LoginView)
    await submit(page)
    expect(page.find('[data-test=locked]').text()).toContain('1:30')
    expect(page.find('button[type=submit]').attributes('disabled')).toBeDefined()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(page.find('[data-test=locked]').text()).toContain('1:00')
    await vi.advanceTimersByTimeAsync(61_000)
    expect(page.find('[data-test=locked]').exists()).toBe(false)
    desk.on('POST', '/api/agent/login', () => ({ body: loginAnswer('t') }))
    await submit(page)
    expect(useAccount().phase).toBe('in')
    useAccount().end('left')
  })

  it('says what is wrong and forgets the password', async () => {
    desk.on('POST', '/api/agent/login', () => ({ status: 401, body: failure('INVALID_CREDENTIALS') }))
    const page = await draw(LoginView)
    await submit(page)
    expect(page.find('[role=alert]').text()).toBe('Wrong user name or password.')
    expect((page.find('input[name=password]').element as HTMLInputElement).value).toBe('')
  })
})

describe('the composer', () => {
  const mine = async (): Promise<VueWrapper> => {
    const page = await draw(Composer)
    const conversation = useConversation()
    const session = summary('s', { status: 'manual_live', assigned_agent: { id: 'me', name: 'Mia' } })
    useAccount().agent = (loginAnswer('t') as Login).agent
    conversation.name = 's'
    conversation.view = { session, log: { version: 0 }, trail: [] } as never
    await flushPromises()
    return page
  }
  const enter = (more: object = {}): object => ({ key: 'Enter', ...more })

  it('sends on Enter, but not while an input method composes nor with Shift', async () => {
    const page = await mine()
    const send = vi.spyOn(useConversation(), 'send').mockReturnValue(true)
    const box = page.find('textarea')
    await box.setValue('你好')
    await box.trigger('keydown', enter({ isComposing: true }))
    await box.trigger('keydown', enter({ shiftKey: true }))
    expect(send).not.toHaveBeenCalled()
    await box.trigger('keydown', enter())
    expect(send).toHaveBeenCalledTimes(1)
    usePreferences().enterSends = false
    await box.trigger('keydown', enter())
    expect(send).toHaveBeenCalledTimes(1)
    await box.trigger('keydown', enter({ ctrlKey: true }))
    expect(send).toHaveBeenCalledTimes(2)
  })

  it('keeps the draft when the conversation changes hands, and says who has it', async () => {
    const page = await mine()
    await page.find('textarea').setValue('half an answ')
    const other = summary('s', { status: 'manual_live', assigned_agent: { id: 'bob', name: 'Bob' }, version: 2 })
    useConversation().view = { session: other, log: { version: 0 }, trail: [] } as never
    await flushPromises()
    expect(page.find('textarea').element.value).toBe('half an answ')
    expect(page.find('.why').text()).toContain('Bob is serving this visitor')
    expect(page.find('.send').attributes('disabled')).toBeDefined()
    expect(useDrafts().of('s')).toBe('half an answ')
    expect(sessionStorage.getItem('kefu-workbench:me:draft:s')).toBe('half an answ')
  })

  it('warns before a message is too long, and does not send one that is', async () => {
    const page = await mine()
    desk.on('GET', '/api/config', () => ({ body: { success: true, data: { limits: { max_message_chars: 100 } } } }))
    await useLimits().learn()
    await page.find('textarea').setValue('x'.repeat(95))
    expect(page.find('.below').text()).toContain('95 / 100')
    await page.find('textarea').setValue('x'.repeat(103))
    expect(page.find('.over').text()).toBe('The message is 3 characters too long (at most 100). Please shorten it.')
    expect(page.find('.send').attributes('disabled')).toBeDefined()
    await page.find('textarea').trigger('keydown', enter())
    expect(useDrafts().of('s')).toHaveLength(103)
    expect(desk.count('POST', '/api/manual/messages')).toBe(0)
  })
})

describe('a conversation', () => {
  const shownWith = async (permissions: string[], view: object | null): Promise<VueWrapper> => {
    desk.on('POST', '/api/agent/login', () => ({ body: { ...loginAnswer('t'), permissions } }))
    desk.on('GET', '/api/sessions', () => ({ body: { success: true, data: { sessions: [], total: 0, has_more: false } } }))
    const page = await draw(ConversationPane)
    await useAccount().login('mia', 'secret')
    useConversation().name = 's'
    useConversation().view = view as never
    await flushPromises()
    return page
  }
  const log = { version: 1, status: 'bot_active', messages: [message(1)], hasMore: false }
  afterEach(() => useAccount().end('left'))

  it('is not read by who only sees lists, who is told so and offered nothing to do', async () => {
    const page = await shownWith(['GET /api/sessions'], null)
    useConversation().open('s')
    await flushPromises()
    expect(page.find('[data-test=lists-only]').text()).toContain('not what is said in a conversation')
    expect(page.find('textarea').exists()).toBe(false)
    expect(page.findAll('[data-test^=act-]')).toHaveLength(0)
    expect(desk.calls.filter((call) => call.path.startsWith('/api/sessions/s'))).toEqual([])
  })

  it('that was removed says so beside what was said, and keeps what was typed', async () => {
    const error = new ApiError('NOT_FOUND', '', 404)
    const session = summary('s', { status: 'bot_active' })
    const page = await shownWith(['GET /api/agent/events'], { session, log, trail: [], error })
    useDrafts().keep('s', 'half an answer')
    await flushPromises()
    expect(page.find('[data-test=state]').text()).toBe('Removed')
    expect(page.find('.why').text()).toContain('has been removed')
    expect(page.find('textarea').element.value).toBe('half an answer')
    expect(page.findAll('[data-test^=act-]')).toHaveLength(0)
  })

  it('says that the AI is answering as long as the server says so', async () => {
    const session = summary('s', { status: 'bot_active', ai_answering: true })
    const page = await shownWith(['GET /api/agent/events'], { session, log, trail: [], error: null })
    expect(page.find('.typing').text()).toBe('The AI is answering…')
    useConversation().view = { session: { ...session, version: 2, ai_answering: false }, log, trail: [] } as never
    await flushPromises()
    expect(page.find('.typing').text()).toBe('')
  })
})

describe('what visitors and the AI wrote', () => {
  const attack = '<img src=x onerror=alert(1)> ![x](https://evil.test/a.png) [y](javascript:alert(1))'

  it.each(['user', 'assistant', 'agent', 'system'] as const)('is text and nothing else from %s', async (role) => {
    const page = await draw(MessageRow, { message: message(1, { role, content: attack }), isFirst: true })
    expect(page.element.querySelectorAll('img, script, iframe, [onerror]')).toHaveLength(0)
    const links = [...page.element.querySelectorAll('a')].map((link) => link.getAttribute('href'))
    expect(links.every((link) => link?.startsWith('https://'))).toBe(true)
    expect(page.text()).toContain('<img src=x onerror=alert(1)>')
  })

  it('is text in the queue as well', async () => {
    const session = summary('s', { user_profile: { nickname: attack }, last_message_preview: attack })
    const page = await draw(QueueRow, { session, isOpen: false })
    expect(page.element.querySelectorAll('img, script')).toHaveLength(0)
    expect(page.text()).toContain(attack)
  })
})
