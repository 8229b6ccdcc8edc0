import { describe, expect, it } from 'vitest'
import { openTurn, reduceTurn, remedyFor, type ChatFrame } from '../src'

const META: ChatFrame = { type: 'meta', session_name: 's', turn_id: 't', message_id: 'm' }
const play = (...frames: ChatFrame[]) => frames.reduce(reduceTurn, openTurn('c'))

describe('a turn', () => {
  it('grows by each delta and ends whole', () => {
    const turn = play(META, { type: 'message', content: 'Hel' }, { type: 'message', content: 'lo' }, { type: 'done', content: '' })
    expect(turn).toMatchObject({ phase: 'ended', text: 'Hello', messageId: 'm', wasCut: false })
  })

  it('asked again, starts over and never doubles the half answer', () => {
    const turn = play(META, { type: 'message', content: 'Hel' }, META, { type: 'message', content: 'Hello' })
    expect(turn.text).toBe('Hello')
  })

  it('is a notice when the status changed before a word was said', () => {
    const change: ChatFrame = { type: 'status_change', status: 'pending_manual', reason: 'keyword', timestamp: 0 }
    expect(play(META, change, { type: 'message', content: 'One moment.' })).toMatchObject({ isNotice: true, wasCut: false })
    expect(play(META, { type: 'message', content: 'Well' }, change)).toMatchObject({ isNotice: false, wasCut: true })
  })

  it('stays failed, whatever follows the error', () => {
    const turn = play(META, { type: 'error', code: 'AI_UNAVAILABLE', content: 'Sorry' }, { type: 'done', content: '' })
    expect(turn).toMatchObject({ phase: 'failed', error: { code: 'AI_UNAVAILABLE' } })
  })

  it('lets frames of a later version pass', () => {
    expect(play(META, { type: 'new_kind' } as never).phase).toBe('asking')
  })
})

describe('an error code', () => {
  it('says what to do, and an unknown one is judged by its status', () => {
    expect(remedyFor('SESSION_BLOCKED', 403)).toBe('stop')
    expect(remedyFor('RATE_LIMITED', 429)).toBe('retry')
    expect(remedyFor('FROM_THE_FUTURE', 503)).toBe('retry')
    expect(remedyFor('FROM_THE_FUTURE', 400)).toBe('stop')
  })
})
