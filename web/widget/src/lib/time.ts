/** Times as a visitor reads them: own zone, own language, no more exact than is honest. */

/** The visitor's own variant of a language: British English writes 16:00, American 4:00 PM. */
function variant(language: string): string {
  return navigator.languages.find((one) => one.slice(0, 2) === language) ?? language
}

/** Making one takes longer than drawing the message it stands in. */
const clocks = new Map<string, Intl.DateTimeFormat>()

export function clockTime(seconds: number, language: string): string {
  const locale = variant(language)
  const clock = clocks.get(locale) ?? new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' })
  clocks.set(locale, clock)
  return clock.format(seconds * 1000)
}

/** The day asked for last; a log is asked for thousands of moments of the same one. */
const day = { begin: 0, end: 0 }

export function sameDay(a: number, b: number): boolean {
  const [first, second] = [a * 1000, b * 1000]
  if (first < day.begin || first >= day.end) {
    day.begin = startOfDay(first)
    day.end = new Date(day.begin).setHours(24)
  }
  return second >= day.begin && second < day.end
}

export function dayName(seconds: number, locale: string, now: number): string {
  const days = Math.round((startOfDay(seconds * 1000) - startOfDay(now)) / 86_400_000)
  if (days === 0 || days === -1) {
    const text = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day')
    return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1)
  }
  const year = new Date(seconds * 1000).getFullYear() === new Date(now).getFullYear() ? undefined : 'numeric'
  return new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'long', year }).format(seconds * 1000)
}

function startOfDay(milliseconds: number): number {
  return new Date(milliseconds).setHours(0, 0, 0, 0)
}

/** When the shop opens: today's hour, else day and hour, in the visitor's own zone. */
export function openingTime(seconds: number, language: string, now: number): string {
  const today = sameDay(seconds, now / 1000)
  const format: Intl.DateTimeFormatOptions = { hour: 'numeric', minute: '2-digit' }
  if (!today) Object.assign(format, { weekday: 'long' })
  if (seconds * 1000 - now > 6 * 86_400_000) Object.assign(format, { day: 'numeric', month: 'long' })
  return new Intl.DateTimeFormat(variant(language), format).format(seconds * 1000)
}

/** Whole minutes, rounded up: a wait that ends early disappoints nobody. */
export function waitMinutes(seconds: number): number {
  return Math.max(1, Math.ceil(seconds / 60))
}
