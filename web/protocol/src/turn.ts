/**
 * One AI turn as its asker sees it, folded from the frames of `POST /api/chat/stream`.
 *
 *   asking → streaming → ended            the whole answer; the log's message takes its place
 *          ↘ detached                     the stream broke; the answer comes by the events
 *          ↘ failed                       an error frame; the question may be asked again
 */
import type { ChatFrame } from './wire'

export interface Turn {
  clientMessageId: string
  turnId: string | null
  messageId: string | null
  phase: 'asking' | 'streaming' | 'detached' | 'ended' | 'failed'
  text: string
  /** A rule escalated: the one message is the system's notice, not the AI's answer. */
  isNotice: boolean
  /** The status changed while the AI spoke: what was shown may never be stored. */
  wasCut: boolean
  suggestions: readonly string[]
  error: { code: string; content: string } | null
}

export function openTurn(clientMessageId: string): Turn {
  return {
    clientMessageId,
    turnId: null,
    messageId: null,
    phase: 'asking',
    text: '',
    isNotice: false,
    wasCut: false,
    suggestions: [],
    error: null,
  }
}

export function reduceTurn(turn: Turn, frame: ChatFrame): Turn {
  switch (frame.type) {
    case 'meta':
      // Asked again after a break, the answer starts over: never appended to the half one.
      return {
        ...openTurn(turn.clientMessageId),
        turnId: frame.turn_id,
        messageId: frame.message_id,
      }
    case 'message':
      return { ...turn, phase: 'streaming', text: turn.text + frame.content }
    case 'suggestions':
      return { ...turn, suggestions: frame.items }
    case 'status_change':
      return turn.text ? { ...turn, wasCut: true } : { ...turn, isNotice: true }
    case 'error':
      return { ...turn, phase: 'failed', error: { code: frame.code, content: frame.content } }
    case 'done':
      return turn.phase === 'failed' ? turn : { ...turn, phase: 'ended' }
    default:
      return turn
  }
}
