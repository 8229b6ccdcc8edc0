/** Times, names and languages as people read them. */

/** The reader's own way of writing times and dates, as far as it fits the language they chose. */
export function regional(language: string): string {
  return navigator.languages.find((one) => one.toLowerCase().startsWith(language)) ?? language
}

const WRITTEN = {
  clock: { hour: '2-digit', minute: '2-digit' },
  day: { weekday: 'long', day: 'numeric', month: 'long' },
  date: { day: 'numeric', month: 'short' },
  full: { dateStyle: 'medium', timeStyle: 'short' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>

/** Making a formatter costs a hundred times what using it does, and every row has times. */
const formats = new Map<string, Intl.DateTimeFormat>()

function written(kind: keyof typeof WRITTEN, seconds: number, locale: string): string {
  const key = `${kind} ${locale}`
  const format = formats.get(key) ?? new Intl.DateTimeFormat(regional(locale), WRITTEN[kind])
  formats.set(key, format)
  return format.format(seconds * 1000)
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** `PT4M12S`, for `<time datetime>`. */
export function isoDuration(seconds: number): string {
  return `PT${Math.max(0, Math.floor(seconds))}S`
}

export const clockTime = (seconds: number, locale: string): string => written('clock', seconds, locale)
export const dayTitle = (seconds: number, locale: string): string => written('day', seconds, locale)
export const fullMoment = (seconds: number, locale: string): string => written('full', seconds, locale)

/** The day asked for last: ten thousand messages in a row are of a few. */
let day = { from: 0, to: 0, name: '' }

/** The reader's own day, to be compared with others. */
export function dayOf(seconds: number): string {
  const at = seconds * 1000
  if (at < day.from || at >= day.to) {
    const from = new Date(at).setHours(0, 0, 0, 0)
    const to = new Date(from).setDate(new Date(from).getDate() + 1)
    day = { from, to, name: new Date(from).toDateString() }
  }
  return day.name
}

/** Today the time, else the day; `today` as `dayOf` names it. */
export function moment(seconds: number, locale: string, today: string): string {
  return written(dayOf(seconds) === today ? 'clock' : 'date', seconds, locale)
}

const languages = new Map<string, Intl.DisplayNames>()

export function languageName(code: string, locale: string): string {
  const names = languages.get(locale) ?? new Intl.DisplayNames([locale], { type: 'language' })
  languages.set(locale, names)
  try {
    return names.of(code) ?? code
  } catch {
    return code
  }
}

/** One or two letters that stand for a person. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s._-]+/).filter((word) => word !== '')
  const first = [...(words[0] ?? '?')][0] ?? '?'
  const second = words.length > 1 ? ([...(words[words.length - 1] ?? '')][0] ?? '') : ''
  return /[\u3400-\u9fff]/.test(first) ? first : (first + second).toLocaleUpperCase()
}

/** A steady colour for a name, one of `count`. */
export function hueOf(name: string, count: number): number {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)!) >>> 0
  return sum % count
}

/** Visitors without a name are told apart by the end of their session's name. */
export function visitorName(session: { session_name: string; user_profile: { nickname?: string } }, anonymous: string): string {
  return session.user_profile.nickname?.trim() || `${anonymous} ${session.session_name.slice(-4)}`
}
