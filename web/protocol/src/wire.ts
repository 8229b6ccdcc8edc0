/**
 * The one place where clients name wire types: what is generated, and how frames are put together.
 *
 * `generated/` comes from the services' contracts and events (`make gen`), never by hand.
 */
import type * as contracts from '../generated/contracts'
import type * as events from '../generated/events'

export type { Agent, SessionState, SessionSummary, UserProfile } from '../generated/contracts'

export type Status = contracts.SessionState['status']
export type Role = contracts.Message['role']
export type AgentInfo = { id?: string; name: string }

export interface Message extends contracts.Message {
  /** This client's own mark: shown, but cut off before it was stored. */
  interrupted?: boolean
}

type Shared = 'session_name' | 'status' | 'conversation_id' | 'created_at' | 'updated_at' | 'version'

/** What a visitor may know of the session (`flows.md`); agents get the whole SessionState. */
export interface VisitorSession extends Pick<contracts.SessionState, Shared> {
  user_profile?: contracts.UserProfile
  history?: Message[]
  escalation?: Pick<contracts.Escalation, 'reason' | 'trigger_at'> | null
  assigned_agent?: AgentInfo | null
  mail?: { sent?: boolean } | null
  rating?: 'none' | 'open' | 'given'
}

/** A log entry's frame carries its place in the session's order. */
interface Logged {
  seq: number
}

/** Frames of `GET /api/sessions/{name}/events`. */
export type SessionEvent =
  | ({ type: 'message_added' } & Logged & events.MessageAdded)
  | ({ type: 'manual_message' } & Logged & events.MessageAdded)
  | ({ type: 'status_change' } & Partial<Logged> &
      Omit<events.SessionStatusChanged, 'previous' | 'version' | 'agent_info'> & {
        previous?: Status
        version?: number
        agent_info?: AgentInfo | null
      })
  | ({ type: 'history_cleared' } & Logged & events.SessionHistoryCleared)
  | ({ type: 'rating_request' } & Logged & events.SessionRatingRequested)
  | ({ type: 'rating' } & Logged & events.SessionRatingGiven)
  | ({ type: 'session_closed' } & Logged & events.SessionClosed)
  | { type: 'typing'; role?: Role; agent_name?: string | null }
  | { type: 'queue_position'; position: number; waiting: number; estimated_seconds?: number | null }

/** Frames about the stream itself. */
export type ControlEvent =
  | { type: 'ready'; status?: Status; seq?: number }
  | { type: 'resync'; reason?: string }
  | { type: 'idle_close' }
  | { type: 'drain' }
  | { type: 'reauth' }
  | { type: 'replaced' }

export type ServerEvent = SessionEvent | ControlEvent

/** Frames of `POST /api/chat/stream`. */
export type ChatFrame =
  | {
      type: 'meta'
      session_name: string
      conversation_id?: string | null
      turn_id: string
      message_id: string
    }
  | { type: 'message'; content: string }
  | { type: 'suggestions'; items: string[] }
  | {
      type: 'status_change'
      status: Status
      reason: string
      agent_info?: AgentInfo | null
      timestamp: number
    }
  | {
      type: 'manual_message'
      message_id: string
      role: Role
      content: string
      timestamp: number
      agent_id?: string
      agent_name?: string
    }
  | { type: 'error'; code: string; content: string }
  | { type: 'done'; content: '' }

export interface ShopLook {
  color?: string
  position?: 'left' | 'right'
  offset_x?: number
  offset_y?: number
  z_index?: number
  theme?: 'auto' | 'light' | 'dark'
}

/** Texts of one shop in one language; every one optional, the widget has its own. */
export interface ShopTexts {
  title?: string
  subtitle?: string
  welcome?: string
  placeholder?: string
  launcher?: string
  suggestions?: string[]
  privacy_url?: string
}

export interface WidgetConfig {
  shop: {
    id: string
    name: string
    look?: ShopLook
    texts?: Record<string, ShopTexts>
    languages?: string[]
    logo_url?: string | null
  }
  features?: Record<string, boolean>
  limits?: { max_message_chars?: number }
  languages?: string[]
  shift?: { is_in_shift: boolean; next_open_at?: number | null; timezone?: string }
}

export interface BotInfo {
  name: string
  description?: string
  icon_url?: string | null
  welcome?: string
  suggested_questions?: string[]
}

export interface EscalateResult {
  data: VisitorSession
  is_in_shift: boolean
  email_queued: boolean
}
