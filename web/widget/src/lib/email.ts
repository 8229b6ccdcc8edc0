const PART = '[^\\s@.<>"(),;:\\\\[\\]]+'
const EMAIL = new RegExp(`^${PART}(\\.${PART})*@${PART}(\\.${PART})+$`)

/** Enough to catch a slip of the finger; whether it exists only a mail can tell. */
export function isEmail(text: string): boolean {
  const trimmed = text.trim()
  return trimmed.length <= 254 && trimmed.indexOf('@') <= 64 && EMAIL.test(trimmed)
}
