import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { gatherBursts } from '../src/lib/bursts'

const APART = 3000
let told: string[][]
const bursts = () => gatherBursts<string>(APART, (items) => told.push(items))

beforeEach(() => {
  told = []
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('a burst', () => {
  it('is told by its first at once, and by all that followed together', () => {
    const all = bursts()
    for (const name of ['a', 'b', 'c', 'd']) {
      all.add(name, name)
      all.flush()
    }
    expect(told).toEqual([['a']])
    vi.advanceTimersByTime(APART)
    expect(told).toEqual([['a'], ['b', 'c', 'd']])
    all.add('e', 'e')
    all.flush()
    vi.advanceTimersByTime(APART)
    expect(told[2]).toEqual(['e'])
  })

  it('that came at once is told at once, the same one with its newest words', () => {
    const all = bursts()
    all.add('a', 'a, first')
    all.add('b', 'b')
    all.add('a', 'a, then')
    all.flush()
    expect(told).toEqual([['a, then', 'b']])
  })

  it('leaves out what is over before it is told, and says nothing where nothing is left', () => {
    const all = bursts()
    all.add('a', 'a')
    all.flush()
    all.add('b', 'b')
    all.flush()
    all.drop('b')
    vi.advanceTimersByTime(APART)
    expect(told).toEqual([['a']])
    all.add('c', 'c')
    all.flush()
    expect(told).toEqual([['a'], ['c']])
  })

  it('is not told to who has gone', () => {
    const all = bursts()
    all.add('a', 'a')
    all.flush()
    all.add('b', 'b')
    all.stop()
    vi.advanceTimersByTime(APART)
    expect(told).toEqual([['a']])
  })
})
