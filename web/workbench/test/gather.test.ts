import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { gather, type Gatherer } from '../src/lib/gather'

let batches: number[][]
let gathered: Gatherer<number>

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('requestAnimationFrame', (act: () => void) => setTimeout(act, 16))
  vi.stubGlobal('cancelAnimationFrame', (id: number) => clearTimeout(id))
  batches = []
  gathered = gather((items) => batches.push(items))
})
afterEach(() => {
  gathered.stop()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

it('shows a change at the next frame where it was quiet', () => {
  gathered.add(1)
  gathered.add(2)
  vi.advanceTimersByTime(16)
  expect(batches).toEqual([[1, 2]])
})

it('makes ten changes a second of a storm, and loses nothing in order', () => {
  for (let number = 0; number < 100; number += 1) {
    gathered.add(number)
    vi.advanceTimersByTime(20)
  }
  vi.advanceTimersByTime(200)
  expect(batches.length).toBeGreaterThan(10)
  expect(batches.length).toBeLessThanOrEqual(21)
  expect(batches.flat()).toEqual(Array.from({ length: 100 }, (_one, at) => at))
})

it('goes on in a tab that gets no frames', () => {
  vi.stubGlobal('requestAnimationFrame', () => 1)
  gathered.add(1)
  vi.advanceTimersByTime(250)
  expect(batches).toEqual([[1]])
})

it('gives at once what it holds, and nothing after it was stopped', () => {
  gathered.add(1)
  gathered.flush()
  gathered.add(2)
  gathered.stop()
  vi.advanceTimersByTime(1000)
  expect(batches).toEqual([[1]])
})
