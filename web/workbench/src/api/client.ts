/**
 * Calls as an agent: the access token lives here, in memory only; the refresh token is a cookie
 * that no script can read.
 *
 *   401 on a call → one refresh for all who wait → the call again, once → else `onExpired`
 */
import { ApiError, createHttp, type CallOptions, type Fetch, type Http } from '@fiido-kefu/transport'
import type { Login } from './wire'

/** A refresh this long before the end leaves room for a slow line; of a short life, this share. */
const EARLY_SECONDS = 60
const EARLY_SHARE = 0.25

export interface ApiOptions {
  baseUrl: string
  language: () => string
  onSession: (login: Login) => void
  /** Nobody is logged in any more, and what was under way did not happen. */
  onExpired: () => void
  fetch?: Fetch
  now?: () => number
}

export interface Api extends Http {
  get: <T>(path: string) => Promise<T>
  post: <T>(path: string, body?: unknown) => Promise<T>
  login: (username: string, password: string) => Promise<Login>
  logout: () => Promise<void>
  /** True: there is a fresh token. False: one must log in. Throws what may pass by itself. */
  refresh: () => Promise<boolean>
  /** Before the token ends, and after a sleep of the machine. */
  keepFresh: () => Promise<void>
  /** Whether to go on: the token is good for a while, or has just been renewed. */
  isProven: () => Promise<boolean>
  stop: () => void
}

export function createApi(options: ApiOptions): Api {
  const now = options.now ?? Date.now
  let token: string | null = null
  let renewAt = 0
  let refreshing: Promise<boolean> | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  const http = createHttp({
    baseUrl: options.baseUrl,
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    credentials: 'same-origin',
    headers: () => ({
      'Accept-Language': options.language(),
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    }),
  })

  const adopt = (login: Login): Login => {
    token = login.token
    const early = Math.min(EARLY_SECONDS, login.expires_in * EARLY_SHARE)
    renewAt = now() + (login.expires_in - early) * 1000
    schedule(renewAt - now())
    options.onSession(login)
    return login
  }

  const schedule = (milliseconds: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => void keepFresh(), Math.max(250, milliseconds))
  }

  const forget = (): void => {
    token = null
    renewAt = 0
    clearTimeout(timer)
  }

  const renew = async (): Promise<boolean> => {
    const before = token
    try {
      adopt(await http.call<Login>('POST', '/api/agent/refresh', { body: {} }))
      return true
    } catch (error) {
      if (error instanceof ApiError && error.isTemporary) throw error
      // Somebody has logged in meanwhile: the refusal was about the login before.
      if (token !== null && token !== before) return true
      forget()
      return false
    }
  }

  const refresh = (): Promise<boolean> => {
    refreshing ??= renew().finally(() => (refreshing = null))
    return refreshing
  }

  const keepFresh = async (): Promise<void> => {
    if (!token) return
    if (now() < renewAt) return schedule(renewAt - now())
    try {
      if (!(await refresh())) options.onExpired()
    } catch {
      schedule(5000)
    }
  }

  const isProven = async (): Promise<boolean> => {
    if (token && now() < renewAt) return true
    try {
      const isRenewed = await refresh()
      if (!isRenewed) options.onExpired()
      return isRenewed
    } catch {
      // Nobody could say; the next attempt to connect asks again.
      return true
    }
  }

  /** Runs a call; where the token was refused, once more with a fresh one. */
  const proven = async <T>(call: () => Promise<T>): Promise<T> => {
    const used = token
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error
      const isRenewed = token !== used && token !== null
      if (isRenewed || (await refresh())) return call()
      options.onExpired()
      throw error
    }
  }

  const call: Http['call'] = (method, path, more?: CallOptions) => proven(() => http.call(method, path, more))

  return {
    call,
    open: (method, path, more) => proven(() => http.open(method, path, more)),
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, { body }),
    login: async (username, password) =>
      adopt(await http.call<Login>('POST', '/api/agent/login', { body: { username, password } })),
    logout: async () => {
      try {
        await http.call('POST', '/api/agent/logout', { body: {} })
      } finally {
        forget()
      }
    },
    refresh,
    keepFresh,
    isProven,
    stop: forget,
  }
}
