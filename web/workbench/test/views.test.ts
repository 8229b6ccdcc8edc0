// @vitest-environment happy-dom
/** What the desk tells an agent about conversations, the queue and themselves. */
import type { VueWrapper } from '@vue/test-utils'
import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listed, NO_FILTERS } from '../src/lib/backlog'
import { NO_LINE } from '../src/lib/line'
import { createPages } from '../src/router'
import { useAccount } from '../src/stores/account'
import { useConversation } from '../src/stores/conversation'
import { useDrafts } from '../src/stores/drafts'
import { usePanel } from '../src/stores/panel'
import { useQueue } from '../src/stores/queue'
import Composer from '../src/ui/Composer.vue'
import ConversationHead from '../src/ui/ConversationHead.vue'
import DetailsPane from '../src/ui/DetailsPane.vue'
import LineBanner from '../src/ui/LineBanner.vue'
import NumbersStrip from '../src/ui/NumbersStrip.vue'
import QueuePane from '../src/ui/QueuePane.vue'
import QueueRow from '../src/ui/QueueRow.vue'
import ReasonDialog from '../src/ui/ReasonDialog.vue'
import UnsentRow from '../src/ui/UnsentRow.vue'
import { draw, freshDesk } from './draw'
import { loginAnswer, summary, type FakeDesk } from './fake-desk'

let desk: FakeDesk
let page: VueWrapper

beforeEach(() => {
  desk = freshDesk()
})
afterEach(() => {
  page.unmount()
  vi.unstubAllGlobals()
})

const rating = { score: 2, comment: 'slow', agent_name: 'Ann', given_at: 1_700_000_000 }
async function stands(session: object): Promise<void> {
  useConversation().name = 's'
  useConversation().view = { session, log: { version: 0 }, trail: [] } as never
  await flushPromises()
}
const serving = async (): Promise<void> => {
  desk.on('POST', '/api/agent/login', () => ({ body: loginAnswer('t') }))
  await useAccount().login('mia', 'secret')
  await flushPromises()
}

describe('a verdict', () => {
  it('stands in the head, and with its words in the details', async () => {
    page = await draw(ConversationHead)
    await stands(summary('s'))
    expect(page.find('[data-test=rated]').exists()).toBe(false)
    await stands({ ...summary('s'), last_rating: rating })
    expect(page.find('[data-test=rated]').attributes('aria-label')).toBe('Rated 2 of 5')
    page.unmount()
    page = await draw(DetailsPane)
    await stands({ ...summary('s'), last_rating: rating })
    const shown = page.find('[data-test=rating]')
    expect(shown.text()).toContain('slow')
    expect(shown.text()).toContain('for Ann')
    expect(shown.find('.stars').attributes('aria-label')).toBe('Rated 2 of 5')
  })
})

describe('a takeover', () => {
  it('may say why; the word goes with it, and is gone once it is done', async () => {
    page = await draw(ReasonDialog, { act: 'takeover' })
    await stands(summary('s'))
    useDrafts().keep('s:takeover', 'I know this case')
    desk.on('POST', '/api/sessions/s/takeover', () => ({ body: { success: true, data: summary('s') } }))
    page.unmount()
    page = await draw(ReasonDialog, { act: 'takeover' })
    await stands(summary('s'))
    expect(document.querySelectorAll('.offer')).toHaveLength(3)
    document.querySelector<HTMLElement>('.offer')!.click()
    await flushPromises()
    document.querySelector('[role=dialog] form')!.dispatchEvent(new Event('submit'))
    await flushPromises()
    expect(desk.calls.find((call) => call.path.endsWith('/takeover'))!.body).toEqual({ reason: 'I know this case' })
  })

  it('is one press without a word', async () => {
    page = await draw(Composer)
    await serving()
    await stands(summary('s'))
    expect(page.findAll('[data-test=takeover], [data-test=explain]')).toHaveLength(2)
  })
})

describe('a row of the queue', () => {
  it('tells of what was not sent before it tells of a draft', async () => {
    page = await draw(QueueRow, { session: summary('s', { last_message_preview: 'hello' }), isOpen: false })
    expect(page.find('.line').text()).toBe('hello')
    useDrafts().keep('s', 'half')
    await flushPromises()
    expect(page.find('.line').text()).toBe('Draft:half')
    useConversation().unsent.set('s', [{ phase: 'failed', content: 'too late' } as never])
    await flushPromises()
    expect(page.find('.line').text()).toBe('Not sent:too late')
  })

  it('keeps its place and its time when somebody only reads', () => {
    const read = summary('read', { status: 'bot_active', last_message_at: 100, updated_at: 900 })
    const said = summary('said', { status: 'bot_active', last_message_at: 200, updated_at: 200 })
    const backlog = new Map([read, said].map((one) => [one.session_name, one]))
    const order = listed(backlog, { list: 'all', me: 'me', filters: NO_FILTERS, order: 'newest' })
    expect(order.map((one) => one.session_name)).toEqual(['said', 'read'])
  })
})

describe('figures that are not the whole', () => {
  const many = { ...NO_LINE, isLoading: false, backlog: new Map([['s', summary('s')]]), cut: new Set(['pending_manual']) }

  it('say so', async () => {
    page = await draw(NumbersStrip)
    useQueue().view = many as never
    await flushPromises()
    expect(page.find('dd').text()).toBe('1+')
  })

  it('of a search say how far it looked, and it can look further', async () => {
    page = await draw(QueuePane)
    const queue = useQueue()
    queue.view = { ...many, asked: 100, total: 2500 } as never
    queue.list = 'all'
    await flushPromises()
    expect(page.find('[data-test=looked]').exists()).toBe(false)
    queue.filters.vipOnly = true
    await flushPromises()
    expect(page.find('.empty').text()).toContain('Nothing fits')
    expect(page.find('[data-test=looked]').text()).toContain('the newest 100 of 2500')
    queue.view = { ...many, asked: 2500, total: 2500 } as never
    await flushPromises()
    expect(page.find('[data-test=looked]').exists()).toBe(false)
  })
})

it('who is offline and goes on working is told what comes of it, and is back with a press', async () => {
  page = await draw(LineBanner)
  await serving()
  useQueue().view = { ...NO_LINE, phase: 'open' } as never
  await flushPromises()
  expect(page.find('.banner').exists()).toBe(false)
  useAccount().learn({ status: 'offline' })
  await flushPromises()
  expect(page.find('.banner').text()).toContain('You are offline')
  desk.on('PUT', '/api/agent/status', ({ body }) => ({ body: { success: true, data: { ...useAccount().agent, ...body } } }))
  await page.find('.banner button').trigger('click')
  await flushPromises()
  expect(page.find('.banner').exists()).toBe(false)
  useAccount().end('left')
})

it('on a phone the way back leads out of the details first, and then to the queue', async () => {
  window.matchMedia = vi.fn().mockReturnValue({ matches: true, addEventListener: () => undefined }) as never
  page = await draw(NumbersStrip)
  const router = createPages()
  await router.push('/c/s')
  usePanel().toggle()
  await router.push('/')
  expect([router.currentRoute.value.name, usePanel().isOpen]).toEqual(['conversation', false])
  await router.push('/')
  expect(router.currentRoute.value.name).toBe('desk')
})

it('a message that was refused before a reload still says why', async () => {
  const entry = { phase: 'failed', code: 'NOT_ASSIGNED', clientMessageId: 'm', content: 'x' }
  page = await draw(UnsentRow, { entry, isFirst: true })
  expect(page.find('.state').text()).toContain('not yours any more')
})
