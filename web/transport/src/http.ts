/** One way to call the API: JSON in, envelope out, a deadline, and every failure an `ApiError`. */
import { OFFLINE, remedyFor, TIMEOUT, type Remedy } from '@fiido-kefu/protocol'

const DEADLINE_MS = 15_000

export class ApiError extends Error {
  readonly remedy: Remedy

  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    readonly retryAfterMs: number | null = null,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message)
    this.name = 'ApiError'
    this.remedy = remedyFor(code, status)
  }

  /** Nothing was refused: the same call may work later. */
  get isTemporary(): boolean {
    return this.remedy === 'retry'
  }
}

export type Fetch = typeof fetch

export interface HttpOptions {
  baseUrl: string
  fetch: Fetch
  /** Who is calling and in what language; asked anew for each call. */
  headers: () => Record<string, string>
  /** Sees each response's headers: tokens and session names come this way. */
  onResponse?: (headers: Headers) => void
  /** Ends every call that is under way when it aborts; asked anew for each call. */
  whileValid?: () => AbortSignal
  /** Visitors need no cookie, so none is sent; the workbench's refresh token lives in one. */
  credentials?: RequestCredentials
}

export interface CallOptions {
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** 0: none, for streams, which have their own watchdog. */
  deadlineMs?: number
}

export interface Http {
  /** The answer's JSON, whole. */
  call: <T>(method: string, path: string, options?: CallOptions) => Promise<T>
  /** The open response, for streams; refused ones throw. */
  open: (method: string, path: string, options?: CallOptions) => Promise<Response>
}

export function createHttp(settings: HttpOptions): Http {
  const { baseUrl, fetch, headers, onResponse, whileValid, credentials = 'omit' } = settings
  const open: Http['open'] = async (method, path, options = {}) => {
    const response = await send(fetch, `${baseUrl}${path}`, method, {
      ...options,
      whileValid: whileValid?.(),
      credentials,
      headers: { ...headers(), ...options.headers },
    })
    onResponse?.(response.headers)
    if (!response.ok) throw await refusal(response)
    return response
  }
  return {
    open,
    call: async (method, path, options = {}) => {
      const response = await open(method, path, { deadlineMs: DEADLINE_MS, ...options })
      if (response.status === 204) return undefined as never
      return (await response.json().catch(() => {
        throw new ApiError('INTERNAL_ERROR', 'The answer is not JSON.', 502)
      })) as never
    },
  }
}

interface Sending extends CallOptions {
  credentials: RequestCredentials
  whileValid: AbortSignal | undefined
}

async function send(
  fetch: Fetch,
  url: string,
  method: string,
  { body, headers, signal, whileValid, deadlineMs = 0, credentials }: Sending,
): Promise<Response> {
  const signals = [signal, whileValid, deadlineMs > 0 ? AbortSignal.timeout(deadlineMs) : undefined]
  const json: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' }
  try {
    return await fetch(url, {
      method,
      headers: { ...headers, ...json },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: anyOf(signals.filter((one) => one !== undefined)),
      cache: 'no-store',
      credentials,
    })
  } catch (error) {
    if (signal?.aborted) throw error
    const late = error instanceof DOMException && error.name === 'TimeoutError'
    throw new ApiError(late ? TIMEOUT : OFFLINE, String(error), 0)
  }
}

/** `AbortSignal.any`, which iPhones have from iOS 17.4 on only. */
function anyOf(signals: AbortSignal[]): AbortSignal {
  if (typeof AbortSignal.any === 'function') return AbortSignal.any(signals)
  const either = new AbortController()
  for (const one of signals) {
    const end = (): void => either.abort(one.reason)
    if (one.aborted) end()
    else one.addEventListener('abort', end, { once: true, signal: either.signal })
  }
  return either.signal
}

async function refusal(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get('Retry-After'))
  const retryAfterMs = after > 0 ? after * 1000 : null
  const body = (await response.json().catch(() => null)) as {
    error?: { code?: string; message?: string; details?: Record<string, unknown> }
  } | null
  const { code = 'UNAVAILABLE', message = response.statusText, details = {} } = body?.error ?? {}
  return new ApiError(code, message, response.status, retryAfterMs, details)
}
