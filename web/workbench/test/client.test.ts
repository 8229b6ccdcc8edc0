import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApi, type Api } from '../src/api/client'
import { FakeDesk, failure, loginAnswer } from './fake-desk'

const REFRESH = '/api/agent/refresh'
let desk: FakeDesk
let api: Api
let onExpired: ReturnType<typeof vi.fn<() => void>>

beforeEach(() => {
  vi.useFakeTimers()
  desk = new FakeDesk()
  onExpired = vi.fn<() => void>()
  api = createApi({ baseUrl: '', language: () => 'en', fetch: desk.fetch, onSession: () => undefined, onExpired })
  let number = 0
  desk.on('POST', '/api/agent/login', () => ({ body: loginAnswer('t0') }))
  desk.on('POST', REFRESH, () => ({ body: loginAnswer(`t${(number += 1)}`) }))
  desk.on('GET', '/api/thing', ({ headers }) =>
    headers['Authorization'] === 'Bearer t0'
      ? { status: 401, body: failure('TOKEN_EXPIRED') }
      : { body: { success: true, data: headers['Authorization'] } },
  )
})
afterEach(() => {
  api.stop()
  vi.useRealTimers()
})

describe('a call with a token that has died', () => {
  it('is repeated once with a fresh one', async () => {
    await api.login('mia', 'secret')
    expect(await api.get('/api/thing')).toEqual({ success: true, data: 'Bearer t1' })
    expect(onExpired).not.toHaveBeenCalled()
  })

  it('shares one refresh with all who wait', async () => {
    await api.login('mia', 'secret')
    await Promise.all([1, 2, 3, 4, 5].map(() => api.get('/api/thing')))
    expect(desk.count('POST', REFRESH)).toBe(1)
  })

  it('ends the login where the refresh is refused', async () => {
    desk.on('POST', REFRESH, () => ({ status: 401, body: failure('UNAUTHENTICATED') }))
    await api.login('mia', 'secret')
    await expect(api.get('/api/thing')).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' })
    expect(onExpired).toHaveBeenCalledTimes(1)
  })

  it('does not end the next login by what comes of the last one', async () => {
    let refuse: () => void = () => undefined
    const said = new Promise<void>((resolve) => (refuse = resolve))
    desk.on('POST', REFRESH, () => said.then(() => ({ status: 401, body: failure('UNAUTHENTICATED') })))
    await api.login('mia', 'secret')
    const call = api.get('/api/thing')
    desk.on('POST', '/api/agent/login', () => ({ body: loginAnswer('t9') }))
    await vi.waitFor(() => expect(desk.count('POST', REFRESH)).toBe(1))
    await api.login('mia', 'secret')
    refuse()
    expect(await call).toEqual({ success: true, data: 'Bearer t9' })
    expect(onExpired).not.toHaveBeenCalled()
  })

  it('does not end the login where nobody could say', async () => {
    desk.on('POST', REFRESH, () => ({ status: 503, body: failure('UNAVAILABLE') }))
    await api.login('mia', 'secret')
    await expect(api.get('/api/thing')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await api.isProven()).toBe(true)
    expect(onExpired).not.toHaveBeenCalled()
  })
})

describe('the silent refresh', () => {
  it('comes a minute before the end', async () => {
    await api.login('mia', 'secret')
    await vi.advanceTimersByTimeAsync(839_000)
    expect(desk.count('POST', REFRESH)).toBe(0)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(desk.count('POST', REFRESH)).toBe(1)
  })

  it('is tried again while the server is away, and ends the login only when refused', async () => {
    await api.login('mia', 'secret')
    desk.isDown = true
    await vi.advanceTimersByTimeAsync(900_000)
    expect(desk.count('POST', REFRESH)).toBeGreaterThan(5)
    expect(onExpired).not.toHaveBeenCalled()
    desk.isDown = false
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await api.get('/api/thing')).toBeTruthy()
  })

  it('stops with the logout', async () => {
    await api.login('mia', 'secret')
    await api.logout().catch(() => undefined)
    await vi.advanceTimersByTimeAsync(2_000_000)
    expect(desk.count('POST', REFRESH)).toBe(0)
  })
})

it('says the language with every call', async () => {
  await api.login('mia', 'secret')
  await api.get('/api/thing')
  expect(desk.calls.every((call) => call.headers['Accept-Language'] === 'en')).toBe(true)
})
