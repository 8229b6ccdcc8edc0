/** Texts in the visitor's language; only the language in use is loaded. */
import { createI18n, type I18n } from 'vue-i18n'

export const LANGUAGES = {
  zh: '中文',
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
  it: 'Italiano',
  nl: 'Nederlands',
  pl: 'Polski',
} as const

export type Language = keyof typeof LANGUAGES

export function isLanguage(text: string): text is Language {
  return text in LANGUAGES
}

/** The wish, else the first of the browser's languages that we have, else English. */
export function pickLanguage(wish?: string | null): Language {
  const wishes = [wish ?? '', ...navigator.languages]
  for (const one of wishes) {
    const code = one.slice(0, 2).toLowerCase()
    if (isLanguage(code)) return code
  }
  return 'en'
}

const loaders = import.meta.glob<{ default: Record<string, never> }>('./locales/*.json')

export async function loadTexts(language: Language): Promise<Record<string, never>> {
  return (await loaders[`./locales/${language}.json`]!()).default
}

export async function createTexts(language: Language): Promise<I18n> {
  const messages = await loadTexts(language)
  document.documentElement.lang = language
  return createI18n({ legacy: false, locale: language, messages: { [language]: messages } }) as never
}
