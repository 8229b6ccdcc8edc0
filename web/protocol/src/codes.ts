/** Error codes and what a client does about each: repeat, prove itself again, reload, fix or stop. */

export type Remedy = 'retry' | 'reauthenticate' | 'reload' | 'fix' | 'stop'

const REMEDIES: Record<string, Remedy> = {
  BAD_JSON: 'fix',
  BAD_REQUEST: 'fix',
  BAD_EVENT_ID: 'reload',
  NOT_FOUND: 'stop',
  METHOD_NOT_ALLOWED: 'fix',
  BODY_TOO_LARGE: 'fix',
  UNSUPPORTED_MEDIA_TYPE: 'fix',
  VALIDATION_ERROR: 'fix',
  HEADERS_TOO_LARGE: 'fix',
  UNAUTHENTICATED: 'reauthenticate',
  TOKEN_EXPIRED: 'reauthenticate',
  TOKEN_REVOKED: 'reauthenticate',
  INVALID_CREDENTIALS: 'fix',
  FORBIDDEN: 'stop',
  SESSION_FORBIDDEN: 'reload',
  ORIGIN_FORBIDDEN: 'stop',
  SESSION_BLOCKED: 'stop',
  INVALID_STATUS: 'reload',
  ALREADY_TAKEN: 'reload',
  AGENT_AT_CAPACITY: 'stop',
  AGENT_OFFLINE: 'reload',
  NOT_ASSIGNED: 'reload',
  TURN_IN_PROGRESS: 'retry',
  MANUAL_IN_PROGRESS: 'reload',
  ALREADY_RATED: 'stop',
  LAST_ADMIN: 'stop',
  USERNAME_TAKEN: 'fix',
  TURN_LOST: 'retry',
  CONFLICT: 'retry',
  RATE_LIMITED: 'retry',
  LOGIN_LOCKED: 'retry',
  TOO_MANY_STREAMS: 'retry',
  UNAVAILABLE: 'retry',
  STATE_UNAVAILABLE: 'retry',
  UNCONFIRMED: 'retry',
  BUSY: 'retry',
  AI_UNAVAILABLE: 'retry',
  GATEWAY_FULL: 'retry',
  STREAM_MOVED: 'retry',
  INTERNAL_ERROR: 'retry',
}

/** Codes of this client's own making: nothing came back, or not in time. */
export const OFFLINE = 'OFFLINE'
export const TIMEOUT = 'TIMEOUT'

/** An unknown code is judged by its status: a server's fault passes, a caller's does not. */
export function remedyFor(code: string, status = 500): Remedy {
  if (code === OFFLINE || code === TIMEOUT) return 'retry'
  return REMEDIES[code] ?? (status >= 500 || status === 429 ? 'retry' : 'stop')
}
