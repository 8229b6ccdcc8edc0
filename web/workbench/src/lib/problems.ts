/** What went wrong, in words for the person at the desk. */
import { ApiError } from '@fiido-kefu/transport'
import type { Texts } from '../i18n'

/** Our own words by code and state; what we have none for, the server has said in our language. */
export function wordsFor(error: unknown, { t, te }: Texts): string {
  if (!(error instanceof ApiError)) return t('problem.UNKNOWN')
  const { agent_name: name, status, max_sessions: max, minimum } = error.details
  const values = {
    name: String(name ?? ''),
    state: status ? t(`status.${String(status)}`) : '',
    max: String(max ?? ''),
    minimum: String(minimum ?? 10),
    seconds: Math.ceil((error.retryAfterMs ?? 0) / 1000),
  }
  const key = keysFor(error).find((one) => te(one))
  return key ? t(key, values) : error.message || t('problem.UNKNOWN')
}

/** The most telling first. */
function keysFor({ code, details }: ApiError): string[] {
  const fields = details['fields'] as { field?: string }[] | undefined
  const field = String(fields?.[0]?.field ?? '').split('.').pop()
  return [
    ...(details['agent_name'] ? [`problem.${code}_BY`] : []),
    ...(code === 'WEAK_PASSWORD' ? [`problem.weak_${String(details['rule'])}`] : []),
    ...(code === 'VALIDATION_ERROR' ? [`problem.field_${field}`] : []),
    ...(details['status'] ? [`problem.${code}_${String(details['status'])}`] : []),
    `problem.${code}`,
  ]
}
