/** Answers of the agents' endpoints that the services do not publish as schemas, as `api.md` has them. */
import type { Agent, Message, SessionState, SessionSummary, Status } from '@fiido-kefu/protocol'

export type { Agent, Message, SessionState, SessionSummary, Status }
export type Presence = Agent['status']
export type Role = Agent['role']

export interface Login {
  token: string
  expires_in: number
  permissions: string[]
  agent: Agent
}

export interface Page {
  total: number
  limit: number
  offset: number
  has_more: boolean
}

export interface SessionPage extends Page {
  sessions: SessionSummary[]
}

export interface AgentPage extends Page {
  agents: Agent[]
}

export interface Trail {
  from?: Status | null
  to: Status
  operator?: string | null
  reason: string
  timestamp: number
}

export interface Colleague {
  id: string
  username: string
  name: string
  role: Role
  status: Presence
  max_sessions: number
  active_sessions: number
}

export interface Efficiency {
  agent_id: string
  agent_name: string
  takeovers: number
  messages: number
  services: number
  avg_service_time: number
}

export interface Stats {
  total_sessions: number
  active_sessions: number
  by_status: Record<Status, number>
  avg_waiting_time: number
  max_waiting_time: number
  avg_service_time: number
  active_agents: number
  by_escalation_reason: Record<string, number>
  today: { date: string } & Record<string, number | string>
  ai_quality: { turns: number; answers: number; failures: number; failure_rate: number; rating_average: number | null }
  agent_efficiency: Efficiency[]
}

/** What other agents' cards say on the queue's stream. */
export type AgentCard = Pick<Agent, 'id' | 'username' | 'name' | 'role' | 'status' | 'max_sessions'>

/** Frames of `GET /api/agent/events`, beside those about the stream itself. */
export type QueueEvent =
  | { type: 'session_created' | 'session_updated'; session: SessionSummary }
  | { type: 'session_expired'; session_name: string }
  | { type: 'message_added'; session_name: string; seq: number; role: Message['role']; content: string; message_id: string }
  | { type: 'transfer'; session_name: string; agent_info?: { id: string; name: string } | null }
  | { type: 'agent_status'; agent: AgentCard }
  | { type: 'kicked'; reason?: string }
