/** A gateway in miniature for tests: real HTTP and SSE on a loopback port, state in memory. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { randomUUID } from 'node:crypto'

export interface LogEntry {
  seq: number
  type: string
  [field: string]: unknown
}

interface Session {
  name: string
  token: string
  status: string
  version: number
  log: LogEntry[]
  agent: { id: string; name: string } | null
  generation: string
  running: string | null
}

export interface FakeOptions {
  /** Milliseconds between two pieces of an answer. */
  pace?: number
  config?: object
  bot?: object
  /** Serves what is not under /api. */
  files?: (path: string, response: ServerResponse) => boolean
}

const NOTICE = { zh: '正在为您转接人工客服，请稍候。', en: 'We are connecting you to a colleague. One moment, please.' }

export class FakeBackend {
  readonly sessions = new Map<string, Session>()
  readonly requests: { method: string; path: string; body: Record<string, unknown> }[] = []
  readonly streams = new Map<string, Set<ServerResponse>>()
  /** Set to change what the next answers are. */
  answer = (question: string): { text: string; suggestions?: string[] } => ({ text: `You said: ${question}` })
  isInShift = true
  /** What `identify` says needs a signature. */
  notTaken: string[] = []
  /** Requests that match are refused with this status and code. */
  refuse: ((method: string, path: string) => { status: number; code: string } | null) | null = null
  /** Cuts a chat stream after so many pieces; the answer is stored all the same. */
  cutAfter: number | null = null
  readonly options: FakeOptions
  private server: Server
  private port = 0

  constructor(options: FakeOptions = {}) {
    this.options = options
    this.server = createServer((request, response) => void this.handle(request, response))
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve))
    this.port = (this.server.address() as { port: number }).port
    return this
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  session(name?: string): Session {
    const found = name === undefined ? [...this.sessions.values()][0] : this.sessions.get(name)
    if (!found) throw new Error('no such session')
    return found
  }

  append(session: Session, type: string, fields: object): LogEntry {
    const seq = (session.log[session.log.length - 1]?.seq ?? 0) + 1
    const entry: LogEntry = { seq, type, ...fields }
    session.log.push(entry)
    this.push(session, entry, `${session.generation}-${session.token.slice(0, 8)}-${seq}`)
    return entry
  }

  push(session: Session, event: { type: string }, id?: string): void {
    const frame = `${id ? `id: ${id}\n` : ''}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
    for (const stream of this.streams.get(session.name) ?? []) stream.write(frame)
  }

  say(session: Session, role: string, content: string, more: object = {}): LogEntry {
    const type = role === 'user' || role === 'assistant' ? 'message_added' : 'manual_message'
    return this.append(session, type, { message_id: `m-${randomUUID()}`, role, content, timestamp: Date.now() / 1000, ...more })
  }

  change(session: Session, status: string, reason: string): void {
    const previous = session.status
    session.status = status
    session.version += 1
    const agent_info = status === 'manual_live' && session.agent ? { name: session.agent.name } : null
    this.append(session, 'status_change', { status, previous, reason, agent_info, timestamp: Date.now() / 1000, version: session.version })
  }

  takeover(session: Session, name = 'Anna'): void {
    session.agent = { id: 'agent-1', name }
    this.change(session, 'manual_live', 'takeover')
    this.say(session, 'system', `${name} has joined the conversation.`, { notice: 'takeover' })
  }

  release(session: Session): void {
    this.change(session, 'bot_active', 'release')
    session.agent = null
    this.say(session, 'system', 'The assistant is with you again.', { notice: 'released' })
    this.append(session, 'rating_request', { timestamp: Date.now() / 1000 })
  }

  dropStreams(name: string): void {
    for (const stream of this.streams.get(name) ?? []) stream.destroy()
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const body = await readBody(request)
    const method = request.method ?? 'GET'
    if (!url.pathname.startsWith('/api/')) {
      if (!this.options.files?.(url.pathname, response)) response.writeHead(404).end()
      return
    }
    this.requests.push({ method, path: url.pathname, body })
    const refusal = this.refuse?.(method, url.pathname)
    if (refusal) return fail(response, refusal.status, refusal.code)
    if (url.pathname === '/api/config') return ok(response, { data: this.config() })
    if (url.pathname === '/api/bot/info') return ok(response, { bot: this.options.bot ?? { name: 'AI' } })
    if (url.pathname === '/api/chat/stream') return this.chat(response, body)
    this.forSession(request, response, url, body)
  }

  private config(): object {
    const shift = { is_in_shift: this.isInShift, next_open_at: this.isInShift ? null : Date.now() / 1000 + 40_000, timezone: 'Asia/Shanghai' }
    return { shop: { id: 'demo', name: 'Halden' }, languages: ['zh', 'en', 'de', 'fr', 'es', 'it', 'nl', 'pl'], limits: { max_message_chars: 5000 }, shift, ...this.options.config }
  }

  private async chat(response: ServerResponse, body: Record<string, unknown>): Promise<void> {
    const { message = '', client_message_id: clientId } = body as { message?: string; client_message_id?: string }
    const session = this.sessions.get(String(body['user_id'])) ?? this.create()
    const stored = session.log.find((entry) => entry['client_message_id'] === clientId && clientId)
    if (['pending_manual', 'manual_live'].includes(session.status)) return fail(response, 409, 'MANUAL_IN_PROGRESS')
    if (session.running) return fail(response, 409, 'TURN_IN_PROGRESS', { turn_id: session.running })
    if (!stored) this.say(session, 'user', message, { client_message_id: clientId })
    const messageId = `m-${randomUUID()}`
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'X-Visitor-Token': session.token,
      'X-Session-Name': session.name,
    })
    const write = (frame: object): void => void response.write(`data: ${JSON.stringify(frame)}\n\n`)
    const answered = stored && session.log.find((entry) => entry['turn_of'] === clientId)
    write({ type: 'meta', session_name: session.name, turn_id: 't1', message_id: answered ? answered['message_id'] : messageId })
    if (/person|human|转人工/i.test(message) && !answered) {
      const notice = NOTICE[body['language'] === 'zh' ? 'zh' : 'en']
      this.change(session, this.isInShift ? 'pending_manual' : 'after_hours_email', 'keyword')
      this.say(session, 'system', notice, { message_id: messageId, notice: 'escalated' })
      write({ type: 'status_change', status: session.status, reason: 'keyword', timestamp: Date.now() / 1000 })
      write({ type: 'message', content: notice })
      write({ type: 'done', content: '' })
      return void response.end()
    }
    const { text, suggestions } = this.answer(message)
    if (answered) return void (write({ type: 'message', content: text }), write({ type: 'done', content: '' }), response.end())
    session.running = 't1'
    const pieces = text.match(/[\s\S]{1,7}/g) ?? []
    for (const [at, piece] of pieces.entries()) {
      if (this.cutAfter === at) response.destroy()
      if (!response.destroyed) write({ type: 'message', content: piece })
      await new Promise((resolve) => setTimeout(resolve, this.options.pace ?? 2))
    }
    session.running = null
    if (session.status === 'bot_active' || session.status === 'after_hours_email') {
      this.say(session, 'assistant', text, { message_id: messageId, suggestions, turn_of: clientId })
    } else write({ type: 'status_change', status: session.status, reason: 'takeover', timestamp: Date.now() / 1000 })
    if (suggestions) write({ type: 'suggestions', items: suggestions })
    write({ type: 'done', content: '' })
    response.end()
  }

  create(name = `s-${randomUUID().slice(0, 8)}`): Session {
    const session: Session = { name, token: randomUUID(), status: 'bot_active', version: 1, log: [], agent: null, generation: 'g1', running: null }
    this.sessions.set(name, session)
    return session
  }

  private forSession(request: IncomingMessage, response: ServerResponse, url: URL, body: Record<string, unknown>): void {
    const [, name, rest = ''] = /^\/api\/sessions\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? []
    const session = this.sessions.get(name ?? String(body['session_name'] ?? body['session_id']))
    if (!session || request.headers['x-visitor-token'] !== session.token) return fail(response, 403, 'SESSION_FORBIDDEN')
    if (rest === '/events') return this.events(request, response, session)
    if (rest === '/messages') return ok(response, { data: this.page(session, url.searchParams) })
    if (rest === '' && name) return ok(response, { data: { session: this.visible(session), audit_trail: [] } })
    if (rest === '/identify') return ok(response, { data: {}, not_taken: this.notTaken })
    if (['/typing', '/read', '/transcript', '/stop'].includes(rest)) return void response.writeHead(204).end()
    if (rest === '/rating') {
      this.append(session, 'rating', { score: body['score'], timestamp: Date.now() / 1000 })
      return ok(response, { data: {} })
    }
    if (url.pathname === '/api/manual/escalate') return this.escalate(response, session)
    if (url.pathname === '/api/manual/cancel') {
      this.change(session, 'bot_active', 'cancel')
      return ok(response, { data: this.visible(session) })
    }
    if (url.pathname === '/api/conversation/clear') {
      this.append(session, 'history_cleared', { timestamp: Date.now() / 1000 })
      return ok(response, { conversation_id: 'c2' })
    }
    if (url.pathname === '/api/manual/messages') return this.manual(response, session, body)
    fail(response, 404, 'NOT_FOUND')
  }

  private escalate(response: ServerResponse, session: Session): void {
    if (session.status === 'bot_active') {
      this.change(session, this.isInShift ? 'pending_manual' : 'after_hours_email', 'manual')
      this.say(session, 'system', NOTICE.en, { notice: 'escalated' })
    }
    ok(response, { data: this.visible(session), is_in_shift: this.isInShift, email_queued: !this.isInShift })
  }

  private manual(response: ServerResponse, session: Session, body: Record<string, unknown>): void {
    if (!['pending_manual', 'manual_live'].includes(session.status)) return fail(response, 409, 'INVALID_STATUS')
    const clientId = body['client_message_id']
    const known = session.log.find((entry) => entry['client_message_id'] === clientId)
    const entry = known ?? this.say(session, 'user', String(body['content']), { client_message_id: clientId })
    ok(response, { data: { message_id: entry['message_id'], timestamp: entry['timestamp'] } })
  }

  private events(request: IncomingMessage, response: ServerResponse, session: Session): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const newest = session.log[session.log.length - 1]?.seq ?? 0
    const last = request.headers['last-event-id']
    const id = last ? '' : `id: ${session.generation}-${session.token.slice(0, 8)}-${newest}\n`
    response.write(`${id}event: ready\ndata: ${JSON.stringify({ type: 'ready', status: session.status, seq: newest })}\n\n`)
    const streams = this.streams.get(session.name) ?? new Set()
    this.streams.set(session.name, streams.add(response))
    response.on('close', () => streams.delete(response))
    if (!last) return
    const [generation, , seq] = String(last).split('-')
    if (generation !== session.generation) return void response.write('event: resync\ndata: {"type":"resync"}\n\n')
    for (const entry of session.log.filter((one) => one.seq > Number(seq))) {
      response.write(`id: ${session.generation}-${session.token.slice(0, 8)}-${entry.seq}\nevent: ${entry.type}\ndata: ${JSON.stringify(entry)}\n\n`)
    }
  }

  page(session: Session, query: URLSearchParams): { messages: object[]; has_more: boolean } {
    const clearedAt = session.log.findLast((entry) => entry.type === 'history_cleared')?.seq ?? 0
    const all = session.log
      .filter((entry) => entry['message_id'] !== undefined && entry.seq > clearedAt)
      .map(({ type: _type, message_id: id, ...rest }) => ({ id, ...rest }))
    const before = query.get('before')
    const end = before ? all.findIndex((message) => message.id === before) : all.length
    const begin = Math.max(0, end - Number(query.get('limit') ?? 50))
    return { messages: all.slice(begin, end), has_more: begin > 0 }
  }

  visible(session: Session): object {
    const { name, status, version, agent } = session
    const last = session.log.filter((entry) => ['rating', 'rating_request'].includes(String(entry['type']))).pop()
    const rating = last ? (last['type'] === 'rating' ? 'given' : 'open') : 'none'
    const agentSeen = agent && { name: agent.name }
    return { session_name: name, status, version, rating, assigned_agent: agentSeen, mail: { sent: false }, created_at: 0, updated_at: 0 }
  }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text ? (JSON.parse(text) as Record<string, unknown>) : {}
}

function ok(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ success: true, ...body }))
}

function fail(response: ServerResponse, status: number, code: string, details: object = {}): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ success: false, error: { code, message: code, details }, request_id: 'r' }))
}
