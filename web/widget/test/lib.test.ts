import { describe, expect, it } from 'vitest'
import { AA, contrast, paletteFor, parseColor, SURFACE, type Rgb } from '../src/lib/color'
import { fitting } from '../src/lib/fitting'
import { isEmail } from '../src/lib/email'
import { openingTime, sameDay, waitMinutes } from '../src/lib/time'
import { layOut } from '@fiido-kefu/chatlog'
import { logRows, tailRows } from '../src/state/rows'

describe('colours', () => {
  it('are readable whatever colour a shop chooses, light and dark', () => {
    for (let r = 0; r <= 255; r += 17) {
      for (let g = 0; g <= 255; g += 17) {
        for (let b = 0; b <= 255; b += 51) {
          for (const theme of ['light', 'dark'] as const) {
            const { brand, brandInk, brandText, brandSoft } = paletteFor([r, g, b], theme)
            const at = (hex: string): Rgb => parseColor(hex)!
            expect(contrast(at(brand), at(brandInk))).toBeGreaterThanOrEqual(AA)
            expect(contrast(at(brandText), SURFACE[theme])).toBeGreaterThanOrEqual(AA)
            expect(contrast(at(brandText), at(brandSoft))).toBeGreaterThanOrEqual(AA)
          }
        }
      }
    }
  })

  it('are understood in the ways shops write them, and nothing else is', () => {
    expect(parseColor('#0f6b58')).toEqual([15, 107, 88])
    expect(parseColor('#fff')).toEqual([255, 255, 255])
    expect(parseColor('rgb(1, 2, 3)')).toEqual([1, 2, 3])
    expect(parseColor('url(https://evil.example)')).toBeNull()
  })
})

describe('a long list', () => {
  const keys = Array.from({ length: 10_000 }, (_, at) => `k${at}`)

  it('finds the row at any offset, measured or estimated', () => {
    const rows = layOut(keys, new Map([['k0', 500]]), 80)
    expect(rows.total).toBe(500 + 9_999 * 80)
    expect(rows.indexAt(499)).toBe(0)
    expect(rows.indexAt(500)).toBe(1)
    expect(rows.indexAt(-50)).toBe(0)
    expect(rows.indexAt(1e9)).toBe(9_999)
    for (const index of [0, 1, 777, 9_999]) expect(rows.indexAt(rows.offsetOf(index))).toBe(index)
  })

  it('moves what is below a row that turns out to be of another height, and nothing above', () => {
    const rows = layOut(keys, new Map(), 80)
    rows.resize(5_000, 200)
    rows.resize(5_000, 130)
    expect(rows.offsetOf(5_000)).toBe(400_000)
    expect(rows.offsetOf(5_001)).toBe(400_130)
    expect(rows.total).toBe(800_050)
    expect(rows.indexAt(400_129)).toBe(5_000)
  })

  it('finds a row by its key, near where it was or anywhere', () => {
    const rows = layOut(keys, new Map(), 80)
    expect([rows.indexOf('k40', 30), rows.indexOf('k40', 50), rows.indexOf('gone', 50)]).toEqual([40, 40, -1])
  })

  it('may be empty', () => {
    expect(layOut([], new Map(), 80).indexAt(10)).toBe(0)
  })
})

describe('rows', () => {
  const message = (seq: number, role: 'user' | 'assistant' | 'system', more: object = {}) => ({ id: `m${seq}`, seq, role, content: 'x', timestamp: 1_700_000_000 + seq, ...more })
  const entry = (id: string, phase: 'queued' | 'sent' = 'queued') => ({ clientMessageId: id, content: 'x', createdAt: 0, phase, attempts: 0, code: null, messageId: null })

  it('group what one speaker says in a row, under one day', () => {
    const rows = logRows([message(1, 'user'), message(2, 'assistant'), message(3, 'assistant'), message(4, 'system')], false)
    expect(rows.map((row) => row.kind)).toEqual(['day', 'message', 'message', 'message', 'notice'])
    expect(rows[3]).toMatchObject({ isFirst: false, isLast: true })
  })

  it('keep their key when an optimistic message becomes the stored one, so nothing flickers', () => {
    const before = tailRows([], [entry('c1')], { clientMessageId: 'c1', messageId: null })
    const after = logRows([message(1, 'user', { client_message_id: 'c1' })], false)
    expect(before[0]?.key).toBe('c1')
    expect(after.some((row) => row.key === 'c1')).toBe(true)
  })

  it('never show a message both as pending and as stored', () => {
    const log = [message(1, 'user', { client_message_id: 'c1' }), message(2, 'assistant')]
    expect(tailRows(log, [entry('c1', 'sent')], { clientMessageId: 'c1', messageId: 'm2' })).toEqual([])
  })

  it('put the answer under its question and what waits behind it', () => {
    const rows = tailRows([], [entry('c1', 'sent'), entry('c2')], { clientMessageId: 'c1', messageId: null })
    expect(rows.map((row) => row.kind)).toEqual(['pending', 'turn', 'pending'])
    expect(rows[2]).toMatchObject({ waitsForTurn: true })
  })
})

describe('small things', () => {
  it("of a bot's bilingual card only the visitor's language is shown", () => {
    const card = ['您好！ / Hi! How can I help?']
    expect(fitting(card, 'zh')).toEqual(['您好！'])
    expect(fitting(card, 'en')).toEqual(['Hi! How can I help?'])
    expect(fitting(card, 'de')).toEqual([])
  })
  it('waits are rounded up', () => expect([1, 60, 61].map(waitMinutes)).toEqual([1, 1, 2]))
  it('opening is told in the day it falls on', () => {
    const now = new Date(2026, 10, 21, 22, 0).getTime()
    expect(openingTime(new Date(2026, 10, 23, 9, 0).getTime() / 1000, 'en', now)).toContain('Monday')
  })
  it('days end at midnight, whatever was asked before and however long the day is', () => {
    const begin = new Date(2026, 0, 1).getTime() / 1000
    for (let hour = 0; hour < 366 * 24; hour += 5) {
      const [a, b] = [begin + hour * 3600, begin + (hour + (hour % 31) - 15) * 3600]
      expect(sameDay(a, b)).toBe(new Date(a * 1000).toDateString() === new Date(b * 1000).toDateString())
    }
  })
  it('addresses are checked for slips only', () => {
    for (const good of ['a@b.example', 'first.last+tag@sub.shop.example', '用户@例子.公司']) expect(isEmail(good)).toBe(true)
    for (const bad of ['', 'a', 'a@b', 'a b@c.example', 'a@b.example,c@d.example', 'a@@b.example', 'anna.@b.example', 'a..b@c.example']) expect(isEmail(bad)).toBe(false)
  })
})
