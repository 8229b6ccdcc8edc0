import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromFetch, reduce, type Conversation, type Message, type SessionEvent, type VisitorSession } from '../src'

/** What the real services said and answered; made by `scripts/record.py`. */
const recorded = JSON.parse(readFileSync(new URL('./recorded.json', import.meta.url), 'utf8')) as {
  events: SessionEvent[]
  fetches: { seq: number; session: VisitorSession; messages: Message[] }[]
}
const states = recorded.fetches.map(({ seq, session, messages }) => fromFetch(session, messages, { seq }))

/**
 * As JSON leaves it. The recording has no fetch that says whether a rating was asked for
 * (`reduce.test.ts` holds that to the law), and `version` also
 * counts changes that visitors are not told of; an agent's id is in events but not in fetches.
 */
function plain(state: Conversation): unknown {
  const { rating: _rating, version: _version, agent, ...rest } = state
  const kept = (key: string, value: unknown) => (value === null || key === 'agent_id' ? undefined : value)
  return JSON.parse(JSON.stringify({ ...rest, agent: agent?.name }, kept))
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
