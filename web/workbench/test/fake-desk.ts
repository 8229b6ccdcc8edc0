/** The services in miniature, as far as the workbench calls them: answers by hand, streams by hand. */
import type { Fetch } from '@fiido-kefu/transport'
import type { Message, SessionSummary } from '../src/api/wire'

type Answer = { status?: number; body?: unknown; headers?: Record<string, string> }
export interface Call {
  method: string
  path: string
  body: Record<string, unknown>
  headers: Record<string, string>
}

export class FakeDesk {
  readonly calls: Call[] = []
  readonly streams = new Map<string, ReadableStreamDefaultController<Uint8Array>>()
  /** The first that answers counts; `undefined` leaves it to the next. */
  readonly routes: ((call: Call) => Answer | Promise<Answer | undefined> | undefined)[] = []
  isDown = false

  readonly fetch: Fetch = async (input, init = {}) => {
    const path = String(input)
    const headers = (init.headers ?? {}) as Record<string, string>
    const body = JSON.parse(String(init.body ?? '{}')) as Record<string, unknown>
    const call = { method: init.method ?? 'GET', path, body, headers }
    this.calls.push(call)
    if (this.isDown) throw new TypeError('no line')
    for (const route of this.routes) {
      const answer = await route(call)
      if (answer) return respond(answer)
    }
    if (path.endsWith('/events')) return this.openStream(path, headers, init.signal ?? undefined)
    return respond({ status: 404, body: failure('NOT_FOUND') })
  }

  on(method: string, path: string, answer: (call: Call) => Answer | Promise<Answer>): void {
    this.routes.unshift((call) => {
      const isMine = call.method === method && call.path.split('?')[0] === path
      return isMine ? answer(call) : undefined
    })
  }

  /** Streams do not open until what is given back is called. */
  holdStreams(): () => void {
    let letGo: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (letGo = resolve))
    this.routes.unshift(async ({ path }) => {
      if (path.endsWith('/events')) await gate
      return undefined
    })
    return letGo
  }

  push(path: string, event: { type: string }, id = ''): void {
    const text = `${id ? `id: ${id}\n` : ''}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
    this.streams.get(path)?.enqueue(new TextEncoder().encode(text))
  }

  count(method: string, path: string): number {
    return this.calls.filter((call) => call.method === method && call.path.split('?')[0] === path).length
  }

  /** A stream that begins here says where that is; one that goes on from an id does not. */
  private openStream(path: string, headers: Call['headers'], signal?: AbortSignal): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.streams.set(path, controller)
        signal?.addEventListener('abort', () => controller.error(new DOMException('', 'AbortError')))
      },
    })
    this.push(path, { type: 'ready' }, headers['Last-Event-ID'] ? '' : '0-0')
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
  }
}

function respond({ status = 200, body = { success: true, data: {} }, headers = {} }: Answer): Response {
  return new Response(status === 204 ? null : JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
  })
}

export function failure(code: string, details: Record<string, unknown> = {}): object {
  return { success: false, error: { code, message: code, details } }
}

export function loginAnswer(token: string, expiresIn = 900): object {
  const agent = { id: 'me', username: 'mia', name: 'Mia', role: 'agent', status: 'online', max_sessions: 5, created_at: 0 }
  return { success: true, token, expires_in: expiresIn, permissions: ['GET /api/agent/events'], agent }
}

export function summary(name: string, more: Partial<SessionSummary> = {}): SessionSummary {
  return {
    session_name: name,
    status: 'pending_manual',
    user_profile: {},
    created_at: 1,
    updated_at: 10,
    version: 1,
    unread: 0,
    waiting_since: 10,
    ...more,
  }
}

export function message(seq: number, more: Partial<Message> = {}): Message {
  return { id: `m${seq}`, seq, role: 'user', content: `text ${seq}`, timestamp: 1_700_000_000 + seq, ...more }
}
