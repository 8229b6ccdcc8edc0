/** Error codes and what a client does about each: repeat, prove itself again, reload, fix or stop. */

import { REMEDIES } from '../generated/errors'

export type Remedy = 'retry' | 'reauthenticate' | 'reload' | 'fix' | 'stop'

/** Codes of this client's own making: nothing came back, or not in time. */
export const OFFLINE = 'OFFLINE'
export const TIMEOUT = 'TIMEOUT'

/** An unknown code is judged by its status: a server's fault passes, a caller's does not. */
export function remedyFor(code: string, status = 500): Remedy {
  if (code === OFFLINE || code === TIMEOUT) return 'retry'
  return REMEDIES[code] ?? (status >= 500 || status === 429 ? 'retry' : 'stop')
}
