// @vitest-environment happy-dom
import type { VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import type { SessionSummary } from '../src/api/wire'
import { useAlerts } from '../src/stores/alerts'
import { useNotices } from '../src/stores/notices'
import { usePreferences } from '../src/stores/preferences'
import { draw, freshDesk } from './draw'
import { summary } from './fake-desk'

const play = vi.hoisted(() => vi.fn())
vi.mock('../src/lib/tone', () => ({ createPlayer: () => ({ play, unlock: () => undefined, isUnlocked: true }) }))

interface Note { title: string; body: string; tag: string; onclick: () => void }
let notes: Note[]
let isAway: boolean
let page: VueWrapper

beforeEach(async () => {
  freshDesk()
  play.mockReset()
  notes = []
  isAway = true
  class Told {
    static permission = 'granted'
    onclick = () => undefined
    constructor(title: string, more: { body: string; tag: string }) {
      notes.push(Object.assign(this, { title, ...more }))
    }
    close = () => undefined
  }
  vi.stubGlobal('Notification', Told)
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => isAway)
  page = await draw(defineComponent({ setup: () => (useAlerts(), () => h('p')) }))
  usePreferences().notifications = true
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  page.unmount()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const named = (name: string, more: Partial<SessionSummary> = {}): SessionSummary =>
  summary(name, { user_profile: { nickname: `Visitor ${name}` }, ...more })
const weigh = (...sessions: SessionSummary[]): void =>
  useAlerts().weigh(sessions.map((after) => ({ before: undefined, after })), 'me')
const told = (): string[] => notes.map((note) => note.title)

describe('who waits', () => {
  it('is one sound and one notification, however many come together', () => {
    weigh(...['a', 'b', 'c', 'd', 'e'].map((name) => named(name)))
    expect(play.mock.calls).toEqual([['waiting']])
    expect(told()).toEqual(['5 visitors are waiting for a person'])
    expect(notes[0]!.body).toBe('Visitor a, Visitor b, Visitor c, Visitor d …')
    expect(useAlerts().spoken).toBe('5 visitors are waiting for a person')
  })

  it('is told at once when alone, and together when more follow soon', () => {
    for (const name of ['a', 'b', 'c']) weigh(named(name))
    expect(told()).toEqual(['Visitor a is waiting for a person'])
    vi.advanceTimersByTime(3000)
    expect(told()).toEqual(['Visitor a is waiting for a person', '2 visitors are waiting for a person'])
    expect(play).toHaveBeenCalledTimes(2)
  })

  it('leads to the one who waits, or to the queue where there are several', () => {
    const led: (string | null)[] = []
    useAlerts().onOpen((name) => led.push(name))
    for (const name of ['a', 'b', 'c']) weigh(named(name))
    vi.advanceTimersByTime(3000)
    for (const note of notes) note.onclick()
    expect(led).toEqual(['a', null])
  })

  it('whom somebody took meanwhile is not told of', () => {
    weigh(named('a'))
    weigh(named('b'))
    weigh(named('b', { status: 'manual_live', version: 2 }))
    vi.advanceTimersByTime(3000)
    expect(told()).toEqual(['Visitor a is waiting for a person'])
  })

  it('makes no sound for who has logged out meanwhile', () => {
    weigh(named('a'))
    weigh(named('b'))
    useAlerts().hush()
    vi.advanceTimersByTime(3000)
    expect(play).toHaveBeenCalledTimes(1)
  })
})

describe('who wrote to me', () => {
  const mine = (name: string, unread: number): SessionSummary =>
    named(name, { status: 'manual_live', assigned_agent: { id: 'me', name: 'Mia' }, last_message_role: 'user', unread, last_message_at: unread })

  it('in a hurry rings once, and not for what was read meanwhile', () => {
    weigh(mine('a', 1))
    weigh(mine('a', 2))
    weigh(mine('b', 1))
    weigh(mine('b', 0))
    vi.advanceTimersByTime(3000)
    expect(told()).toEqual(['Visitor a has written', 'Visitor a has written'])
    expect(play.mock.calls).toEqual([['message'], ['message']])
  })
})

describe('a notice', () => {
  it('waits for who looks elsewhere, and then has its time', () => {
    const notices = useNotices()
    notices.say('bad', 'it failed')
    vi.advanceTimersByTime(60_000)
    expect(notices.notices).toHaveLength(1)
    isAway = false
    document.dispatchEvent(new Event('visibilitychange'))
    vi.advanceTimersByTime(11_000)
    expect(notices.notices).toHaveLength(1)
    vi.advanceTimersByTime(2000)
    expect(notices.notices).toHaveLength(0)
  })
})
