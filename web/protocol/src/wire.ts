/** The one place where clients name wire types; swap a shape here and every package follows. */

export type Status =
  | 'bot_active'
  | 'pending_manual'
  | 'manual_live'
  | 'after_hours_email'
  | 'closed'

export type Role = 'user' | 'assistant' | 'agent' | 'system'

export interface Message {
  id: string
  seq: number
  role: Role
  content: string
  timestamp: number
  agent_id?: string | null
  agent_name?: string | null
  client_message_id?: string | null
  turn_id?: string | null
  suggestions?: string[] | null
  stopped?: boolean | null
  notice?: string | null
  /** This client's own mark: shown, but cut off before it was stored. */
  interrupted?: boolean
}

export interface AgentInfo {
  id?: string
  name: string
}

export interface Escalation {
  reason: string
  trigger_at: number
}

export interface UserProfile {
  nickname?: string
  email?: string | null
  vip?: boolean
  language?: string
  country?: string
  currency?: string
  metadata?: Record<string, unknown>
}

/** What a visitor may know of the session; agents get more. */
export interface VisitorSession {
  session_name: string
  status: Status
  conversation_id?: string | null
  user_profile?: UserProfile
  history?: Message[]
  escalation?: Escalation | null
  assigned_agent?: AgentInfo | null
  mail?: { sent: boolean } | null
  created_at: number
  updated_at: number
  version: number
}

interface Logged {
  seq: number
}

interface Spoken extends Logged {
  message_id: string
  role: Role
  content: string
  timestamp: number
  client_message_id?: string | null
  agent_id?: string | null
  agent_name?: string | null
  turn_id?: string | null
  suggestions?: string[] | null
  stopped?: boolean | null
  notice?: string | null
}

/** Frames of `GET /api/sessions/{name}/events`. */
export type SessionEvent =
  | ({ type: 'message_added' } & Spoken)
  | ({ type: 'manual_message' } & Spoken)
  | ({
      type: 'status_change'
      status: Status
      previous?: Status
      reason: string
      agent_info?: AgentInfo | null
      timestamp: number
      version?: number
    } & Partial<Logged>)
  | ({ type: 'history_cleared'; timestamp: number } & Logged)
  | ({ type: 'rating_request'; timestamp: number; agent_name?: string | null } & Logged)
  | ({ type: 'rating'; score: number; timestamp: number } & Logged)
  | ({ type: 'session_closed'; reason: string; timestamp: number } & Logged)
  | { type: 'typing'; role?: Role; agent_name?: string | null }
  | {
      type: 'queue_position'
      position: number
      waiting: number
      estimated_seconds?: number | null
    }

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
