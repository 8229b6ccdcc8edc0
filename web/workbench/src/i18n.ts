/** Texts in the agent's language; zh and en. */
import { inject, type InjectionKey } from 'vue'
import { createI18n } from 'vue-i18n'
import en from './locales/en.json'
import zh from './locales/zh.json'

export const LANGUAGES = { zh: '中文', en: 'English' } as const
export type Language = keyof typeof LANGUAGES

/** The wish, else the first of the browser's languages that we have, else English. */
export function pickLanguage(wish?: string | null): Language {
  for (const one of [wish ?? '', ...navigator.languages]) {
    const code = one.slice(0, 2).toLowerCase()
    if (code === 'zh' || code === 'en') return code
  }
  return 'en'
}

export function createTexts(locale: Language) {
  return createI18n({ legacy: false, locale, fallbackLocale: 'en', messages: { en, zh } })
}

/** Just what stores need; `useI18n` is for components only. */
export interface Texts {
  t: (key: string, values?: Record<string, unknown>) => string
  te: (key: string) => boolean
}
export const TEXTS: InjectionKey<Texts> = Symbol('texts')

export function useTexts(): Texts {
  const texts = inject(TEXTS)
  if (!texts) throw new Error('The app provides no texts.')
  return texts
}
