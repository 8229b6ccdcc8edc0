// @vitest-environment happy-dom
/** Forms about accounts: a login that ends while one is filled in takes nothing but the passwords. */
import { flushPromises, type DOMWrapper, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import MeView from '../src/views/MeView.vue'
import PeopleView from '../src/views/PeopleView.vue'
import { draw, freshDesk } from './draw'
import { failure, type FakeDesk } from './fake-desk'

const SECRET = 'a secret nobody keeps 7'
const bob = { id: 'b', username: 'bob', name: 'Bob', role: 'agent', status: 'online', max_sessions: 5, created_at: 0 }
let desk: FakeDesk
let page: VueWrapper

const people = async (): Promise<void> => void (page = await draw(PeopleView, {}, { role: 'admin' }))
const me = async (): Promise<void> => void (page = await draw(MeView, {}, { name: 'Mia' }))
/** The login ended: the page is gone, and another one stands there after the next. */
async function loginEnds(again: () => Promise<void>): Promise<void> {
  page.unmount()
  await flushPromises()
  await again()
}
/** Dialogs stand outside of the page. */
const field = (name: string): HTMLInputElement => document.querySelector<HTMLInputElement>(`form [name=${name}]`)!
async function type(name: string, text: string): Promise<void> {
  field(name).value = text
  field(name).dispatchEvent(new Event('input'))
  await flushPromises()
}
const isOpen = (): boolean => document.querySelector('[role=dialog]') !== null
const press = async (button: DOMWrapper<Element> | HTMLElement): Promise<void> => {
  const element = 'element' in button ? (button.element as HTMLElement) : button
  element.click()
  await flushPromises()
}
const kept = (): string => JSON.stringify({ ...sessionStorage, ...localStorage })

beforeEach(() => {
  desk = freshDesk()
  desk.on('GET', '/api/agents', () => ({ body: { success: true, data: { agents: [bob], total: 1, has_more: false } } }))
})
afterEach(() => {
  page.unmount()
  vi.unstubAllGlobals()
})

describe('a new account', () => {
  beforeEach(async () => {
    await people()
    await press(page.find('[data-test=new-person]'))
    await type('username', 'carla')
    await type('name', 'Carla Rossi')
    await type('password', SECRET)
  })

  it('half filled in is open again after the next login, without the password', async () => {
    await loginEnds(people)
    expect([field('username').value, field('name').value, field('password').value]).toEqual(['carla', 'Carla Rossi', ''])
    expect(kept()).not.toContain(SECRET)
  })

  it('that was given up is given up', async () => {
    await press([...document.querySelectorAll<HTMLElement>('[role=dialog] footer button')][0]!)
    await loginEnds(people)
    expect(isOpen()).toBe(false)
    expect(kept()).not.toContain('carla')
  })

  it('that was made leaves nothing behind, one that was refused everything', async () => {
    const save = async (): Promise<void> => {
      document.querySelector('[role=dialog] form')!.dispatchEvent(new Event('submit'))
      await flushPromises()
    }
    desk.on('POST', '/api/agents', () => ({ status: 409, body: failure('USERNAME_TAKEN') }))
    await save()
    expect(field('username').value).toBe('carla')
    desk.on('POST', '/api/agents', () => ({ body: { success: true, data: { ...bob, username: 'carla' } } }))
    await save()
    expect(desk.calls.filter((call) => call.method === 'POST').at(-1)!.body).toMatchObject({ username: 'carla', password: SECRET })
    expect(isOpen()).toBe(false)
    await loginEnds(people)
    expect(isOpen()).toBe(false)
  })
})

it('a change of an account is open again for the same account, and for no other', async () => {
  await people()
  await press(page.find('button[aria-label="Change Bob"]'))
  await type('name', 'Bob the Sec')
  await loginEnds(people)
  expect(document.querySelector('form [name=username]')).toBeNull()
  expect(field('name').value).toBe('Bob the Sec')
  desk.on('GET', '/api/agents', () => ({ body: { success: true, data: { agents: [], total: 0, has_more: false } } }))
  await loginEnds(people)
  expect(isOpen()).toBe(false)
})

describe('my own page', () => {
  it('keeps a name that was not saved, and no password', async () => {
    await me()
    await type('name', 'Mia Winter')
    for (const name of ['old', 'fresh', 'again']) await type(name, SECRET)
    await loginEnds(me)
    expect([field('name').value, field('old').value, field('fresh').value]).toEqual(['Mia Winter', '', ''])
    expect(kept()).not.toContain(SECRET)
  })

  it('forgets what was saved, or put back as it was', async () => {
    await me()
    await type('name', 'Mia Winter')
    await type('name', 'Mia')
    expect(kept()).not.toContain('Winter')
    await type('name', 'Mia Winter')
    desk.on('PUT', '/api/agent/profile', () => ({ body: { success: true, data: { ...bob, id: 'me', name: 'Mia Winter' } } }))
    await page.find('form').trigger('submit')
    await flushPromises()
    expect(kept()).not.toContain('Winter')
  })
})
