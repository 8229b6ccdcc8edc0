// @vitest-environment happy-dom
import { ApiError } from '@fiido-kefu/transport'
import { describe, expect, it } from 'vitest'
import { createTexts, pickLanguage } from '../src/i18n'
import { actsFor, OFFERED } from '../src/lib/acts'
import type { Status } from '../src/api/wire'
import { actOf, isTaken, KEYS } from '../src/lib/keys'
import { wordsFor } from '../src/lib/problems'
import { duration, initials, visitorName } from '../src/lib/words'
import { nextOf } from '../src/router'
import { startedWaiting, wroteToMe } from '../src/stores/alerts'
import { summary } from './fake-desk'

const texts = (language: 'zh' | 'en') => {
  const { t, te } = createTexts(language).global
  return { t: (key: string, values: Record<string, unknown> = {}) => t(key, values), te: (key: string) => te(key) }
}

describe('what may be done', () => {
  const acts = (status: Status | null, isMine = false, leads = false) =>
    [...actsFor({ status, serves: true, isMine, leads })].sort()

  it('follows the state and who holds the conversation', () => {
    expect(acts('pending_manual')).toEqual(['takeover'])
    expect(acts('after_hours_email')).toEqual(['release', 'takeover'])
    expect(acts('manual_live')).toEqual([])
    expect(acts('manual_live', true)).toEqual(['close', 'release', 'requeue', 'transfer'])
    expect(acts('manual_live', false, true)).toEqual(['close', 'release', 'requeue', 'transfer'])
    expect(acts('bot_active')).toEqual(['escalate'])
    expect(acts(null)).toEqual([])
  })

  it('is nothing for who only looks on', () => {
    for (const status of ['pending_manual', 'after_hours_email', 'manual_live', 'bot_active', 'closed'] as const) {
      expect([...actsFor({ status, serves: false, isMine: false, leads: false })]).toEqual([])
    }
  })

  it('offers words about why that both languages have', () => {
    for (const language of ['zh', 'en'] as const) {
      const { te } = texts(language)
      expect(Object.values(OFFERED).flat().filter((key) => !te(`why.${key}`))).toEqual([])
    }
  })
})

describe('keys', () => {
  const press = (key: string, more: object = {}) =>
    actOf({ key, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, repeat: false, ...more })

  it('are unique and never modified ones', () => {
    expect(new Set(KEYS.map((one) => one.key)).size).toBe(KEYS.length)
    for (const held of ['ctrlKey', 'metaKey', 'altKey', 'isComposing']) {
      for (const { key } of KEYS) expect(press(key, { [held]: true })).toBeNull()
    }
  })

  it('act once however long they are held, but for walking the list', () => {
    expect(press('e', { repeat: true })).toBeNull()
    expect(press('j', { repeat: true })).toBe('next')
    expect(press('T')).toBe('takeover')
    expect(press('?')).toBe('help')
  })

  it('belong to whoever types or stands in a dialog', () => {
    const [box, plain, dialog] = ['textarea', 'p', 'div'].map((tag) => document.createElement(tag)) as [HTMLElement, HTMLElement, HTMLElement]
    document.body.append(box, plain)
    expect(isTaken(box, document)).toBe(true)
    expect(isTaken(plain, document)).toBe(false)
    dialog.setAttribute('role', 'dialog')
    document.body.append(dialog)
    expect(isTaken(plain, document)).toBe(true)
  })
})

describe('words for what went wrong', () => {
  const error = (code: string, details: Record<string, unknown> = {}, status = 409) => new ApiError(code, 'as the server says', status, null, details)

  it('name the winner of a race, in both languages', () => {
    const lost = error('ALREADY_TAKEN', { agent_name: 'Bob', status: 'manual_live' })
    expect(wordsFor(lost, texts('en'))).toBe('Bob was faster and is already helping this visitor.')
    expect(wordsFor(lost, texts('zh'))).toBe('Bob 抢先一步，已经在接待这位访客。')
  })

  it('tell the present state, the broken rule, the field', () => {
    expect(wordsFor(error('INVALID_STATUS', { status: 'closed' }), texts('en'))).toContain('has been closed meanwhile')
    expect(wordsFor(error('WEAK_PASSWORD', { rule: 'too_short', minimum: 10 }), texts('en'))).toContain('at least 10')
    expect(wordsFor(error('VALIDATION_ERROR', { fields: [{ field: 'body.username' }] }), texts('en'))).toContain('User names')
  })

  it('are the server’s own where we have none, never a key', () => {
    expect(wordsFor(error('SOMETHING_NEW'), texts('zh'))).toBe('as the server says')
    expect(wordsFor(new Error('bug'), texts('en'))).toBe('Something went wrong. Please try again.')
  })
})

describe('alerts', () => {
  const mine = { status: 'manual_live', assigned_agent: { id: 'me', name: 'Mia' }, last_message_role: 'user' } as const

  it('ring for who starts to wait, once', () => {
    expect(startedWaiting({ before: undefined, after: summary('s') })).toBe(true)
    expect(startedWaiting({ before: summary('s'), after: summary('s', { version: 2 }) })).toBe(false)
  })

  it('ring for my visitors’ words, not for my own nor for colleagues’', () => {
    const before = summary('s', { ...mine, unread: 1, last_message_at: 5 })
    const after = { ...before, unread: 2, last_message_at: 6 }
    expect(wroteToMe({ before, after }, 'me')).toBe(true)
    expect(wroteToMe({ before, after }, 'other')).toBe(false)
    expect(wroteToMe({ before, after: { ...after, last_message_role: 'agent', unread: 0 } }, 'me')).toBe(false)
  })

  it('ring for a new word though the one before it was read in the same moment, and not for the reading', () => {
    const before = summary('s', { ...mine, unread: 1, last_message_at: 5 })
    expect(wroteToMe({ before, after: { ...before, last_message_at: 6 } }, 'me')).toBe(true)
    expect(wroteToMe({ before, after: { ...before, updated_at: 9 } }, 'me')).toBe(false)
    expect(wroteToMe({ before, after: { ...before, unread: 0, last_message_at: 6 } }, 'me')).toBe(false)
  })
})

describe('after a login', () => {
  it.each([
    ['/c/s-1', '/c/s-1'],
    ['//evil.test', '/'],
    ['/\\evil.test', '/'],
    ['https://evil.test', '/'],
    ['/login?next=/login', '/'],
    [undefined, '/'],
  ])('%s leads to %s', (wish, place) => expect(nextOf(wish)).toBe(place))
})

it('writes times and names as people read them', () => {
  expect([duration(5), duration(65), duration(3661), duration(90_000)]).toEqual(['0:05', '1:05', '1:01:01', '1 d 1 h'])
  expect([initials('Mia Chen'), initials('王小明'), initials('admin'), initials('')]).toEqual(['MC', '王', 'A', '?'])
  expect(visitorName({ session_name: 's_abcd1234', user_profile: {} }, 'Visitor')).toBe('Visitor 1234')
  expect(pickLanguage('zh-TW')).toBe('zh')
})
