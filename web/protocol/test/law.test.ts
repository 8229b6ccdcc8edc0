import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromFetch, reduce, type Conversation, type Message, type SessionEvent, type VisitorSession } from '../src'

/** What the real services said and answered; made by `scripts/record.py`. */
const recorded = JSON.parse(readFileSync(new URL('./recorded.json', import.meta.url), 'utf8')) as {
  events: SessionEvent[]
  fetches: { seq: number; session: VisitorSession; messages: Message[] }[]
}
const states = recorded.fetches.map(({ seq, session, messages }) => fromFetch(session, messages, { seq }))

/** As JSON leaves it; `version` also counts changes that visitors are not told of. */
function plain(state: Conversation): unknown {
  const { version: _version, ...rest } = state
  return JSON.parse(JSON.stringify(rest, (_key, value: unknown) => value ?? undefined))
}

const between = (from: number, to: number): SessionEvent[] =>
  recorded.events.filter((event) => 'seq' in event && event.seq! > from && event.seq! <= to)

describe('the law, on what the real services said', () => {
  it('stale state and the missed events give what a fresh fetch gives', () => {
    let pairs = 0
    states.forEach((stale, at) => {
      for (const fresh of states.slice(at)) {
        const caughtUp = between(stale.seq, fresh.seq).reduce((state, event) => reduce(state, event), stale)
        expect(plain(caughtUp)).toEqual(plain(fresh))
        pairs += 1
      }
    })
    expect(pairs).toBeGreaterThan(50)
  })

  it('everything delivered twice changes nothing', () => {
    const stale = states[0]!
    const once = recorded.events.reduce((state, event) => reduce(state, event), stale)
    const twice = [...recorded.events, ...recorded.events].reduce((state, event) => reduce(state, event), stale)
    expect(twice).toEqual(once)
  })
})

describe('the recording', () => {
  it('has every kind of entry that a visitor gets in a conversation', () => {
    const kinds = new Set(recorded.events.map((event) => event.type))
    for (const kind of ['message_added', 'manual_message', 'status_change', 'rating_request', 'rating']) {
      expect(kinds).toContain(kind)
    }
    expect(new Set(states.map((state) => state.rating))).toEqual(new Set(['none', 'requested', 'given']))
  })

  it('names agents and tells no id of them', () => {
    const text = JSON.stringify(recorded)
    expect(text).toContain('"agent_name"')
    expect(text).not.toContain('"agent_id"')
    for (const event of recorded.events) {
      if (event.type === 'status_change' && event.agent_info) expect(Object.keys(event.agent_info)).toEqual(['name'])
    }
  })
})
