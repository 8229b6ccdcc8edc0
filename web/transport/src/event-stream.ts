/**
 * One events stream that stays open: resumes, backs off, wakes up with the page, notices silence.
 *
 *   connecting ⇄ open → waiting (backoff) → connecting
 *   open → asleep (idle_close, replaced) → connecting on `wake`
 *   any → stopped
 */
import type { ServerEvent } from '@fiido-kefu/protocol'
import { backoffMs } from './backoff'
import { ApiError, type Http } from './http'
import { readSse, type SseFrame } from './sse'

/** Heartbeats come every 30 s; two and a half of them missing means the line is dead. */
export const SILENCE_MS = 75_000
/** After a sleep of the machine an older line is not trusted; one heartbeat and some grace. */
const DOUBTFUL_MS = 35_000
const CHECK_MS = 5_000

export type StreamPhase = 'connecting' | 'open' | 'waiting' | 'asleep' | 'stopped'

export interface EventStreamOptions {
  http: Http
  path: string
  onEvent: (event: ServerEvent, id: string | null) => void
  onPhase: (phase: StreamPhase) => void
  /** What was missed can't be replayed: fetch anew. */
  onReload: () => void
  /** The credentials were refused; true: there are new ones, go on. */
  onRefused: (error: ApiError | null) => Promise<boolean>
  onBeat?: () => void
  lastEventId?: string | null
  random?: () => number
  now?: () => number
}

export interface EventStream {
  /** The page came back, the network came back, the visitor acted: connect now if needed. */
  wake: () => void
  stop: () => void
  readonly lastEventId: string | null
}

export function openEventStream(options: EventStreamOptions): EventStream {
  const { http, path, onPhase, onReload, onRefused } = options
  const random = options.random ?? Math.random
  const now = options.now ?? Date.now
  let lastEventId = options.lastEventId ?? null
  let attempt = 0
  let retryMs: number | null = null
  let lastByteAt = now()
  let phase: StreamPhase = 'connecting'
  let abort: AbortController | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  const become = (next: StreamPhase): void => {
    if (phase === 'stopped' || phase === next) return
    phase = next
    onPhase(next)
  }
  const isStopped = (): boolean => phase === 'stopped'

  const take = (frame: SseFrame): void => {
    if (frame.id) lastEventId = frame.id
    const event = parse(frame)
    if (!event) return
    if (event.type === 'ready') {
      attempt = 0
      become('open')
    }
    if (event.type === 'resync') {
      lastEventId = frame.id
      onReload()
    }
    if (event.type === 'idle_close' || event.type === 'replaced') become('asleep')
    if (event.type === 'reauth') void refused(null)
    options.onEvent(event, frame.id)
  }

  const refused = async (error: ApiError | null): Promise<void> => {
    abort?.abort()
    if (await onRefused(error)) connectIn(0)
    else stop()
  }

  const connectIn = (milliseconds: number): void => {
    clearTimeout(timer)
    if (isStopped()) return
    timer = setTimeout(() => void connect(), milliseconds)
  }

  const failed = async (error: unknown): Promise<void> => {
    if (isStopped()) return
    if (error instanceof ApiError && error.code === 'BAD_EVENT_ID') {
      lastEventId = null
      onReload()
    } else if (error instanceof ApiError && !error.isTemporary) {
      return refused(error)
    }
    become('waiting')
    const told = error instanceof ApiError ? error.retryAfterMs : null
    const wait = told ?? retryMs ?? backoffMs(attempt, random)
    retryMs = null
    attempt += 1
    connectIn(wait)
  }

  const connect = async (): Promise<void> => {
    abort?.abort()
    const mine = new AbortController()
    abort = mine
    become('connecting')
    lastByteAt = now()
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' }
      if (lastEventId) headers['Last-Event-ID'] = lastEventId
      const response = await http.open('GET', path, { headers, signal: mine.signal })
      if (!response.body) throw new ApiError('UNAVAILABLE', 'No body.', 503)
      await readSse(response.body, {
        onFrame: (frame) => mine.signal.aborted || take(frame),
        onRetry: (milliseconds) => (retryMs = milliseconds),
        onBytes: () => {
          lastByteAt = now()
          options.onBeat?.()
        },
      })
      if (!mine.signal.aborted && phase !== 'asleep') await failed(null)
    } catch (error) {
      if (!mine.signal.aborted) await failed(error)
    }
  }

  const watch = setInterval(() => {
    const live = phase === 'open' || phase === 'connecting'
    if (live && now() - lastByteAt > SILENCE_MS) connectIn(0)
  }, CHECK_MS)

  const wake = (): void => {
    if (isStopped()) return
    if (phase === 'open' && now() - lastByteAt < DOUBTFUL_MS) return
    if (phase === 'connecting' && now() - lastByteAt < CHECK_MS) return
    attempt = 0
    connectIn(0)
  }

  const stop = (): void => {
    become('stopped')
    clearTimeout(timer)
    clearInterval(watch)
    abort?.abort()
  }

  onPhase('connecting')
  connectIn(0)
  return {
    wake,
    stop,
    get lastEventId() {
      return lastEventId
    },
  }
}

/** The payload with its type; `null` for what is not JSON or has none. */
function parse(frame: SseFrame): ServerEvent | null {
  try {
    const data = JSON.parse(frame.data) as Record<string, unknown>
    const type = typeof data['type'] === 'string' ? data['type'] : frame.event
    return { ...data, type } as ServerEvent
  } catch {
    return null
  }
}

/** Calls back when the page or the network returns; gives back how to stop listening. */
export function onReturn(callback: () => void, target: Window = window): () => void {
  const visible = (): void => {
    if (target.document.visibilityState === 'visible') callback()
  }
  target.addEventListener('pageshow', callback)
  target.addEventListener('online', callback)
  target.document.addEventListener('visibilitychange', visible)
  return () => {
    target.removeEventListener('pageshow', callback)
    target.removeEventListener('online', callback)
    target.document.removeEventListener('visibilitychange', visible)
  }
}
