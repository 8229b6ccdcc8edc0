/** Times, names and languages as people read them. */

/** The reader's own way of writing times and dates, as far as it fits the language they chose. */
export function regional(language: string): string {
  return navigator.languages.find((one) => one.toLowerCase().startsWith(language)) ?? language
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

export function clockTime(seconds: number, locale: string): string {
  return new Intl.DateTimeFormat(regional(locale), { hour: '2-digit', minute: '2-digit' }).format(seconds * 1000)
}

export function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toDateString()
}

export function dayTitle(seconds: number, locale: string): string {
  return new Intl.DateTimeFormat(regional(locale), { weekday: 'long', day: 'numeric', month: 'long' }).format(seconds * 1000)
}

/** Today the time, else the day. */
export function moment(seconds: number, locale: string, now: number): string {
  if (dayOf(seconds) === dayOf(now)) return clockTime(seconds, locale)
  return new Intl.DateTimeFormat(regional(locale), { day: 'numeric', month: 'short' }).format(seconds * 1000)
}

export function fullMoment(seconds: number, locale: string): string {
  return new Intl.DateTimeFormat(regional(locale), { dateStyle: 'medium', timeStyle: 'short' }).format(seconds * 1000)
}

export function languageName(code: string, locale: string): string {
  try {
    return new Intl.DisplayNames([locale], { type: 'language' }).of(code) ?? code
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
