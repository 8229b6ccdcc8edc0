/** How this person likes their workbench; kept in this browser. */
import { safeStore } from '@fiido-kefu/transport'
import { defineStore } from 'pinia'
import { reactive, toRefs, watch } from 'vue'
import { pickLanguage, type Language } from '../i18n'

export type Theme = 'auto' | 'light' | 'dark'

interface Preferences {
  language: Language
  theme: Theme
  sound: boolean
  notifications: boolean
  /** Enter sends; else Ctrl or ⌘ with Enter does. */
  enterSends: boolean
  /** Keys without a modifier; WCAG 2.1.4 asks that they can be turned off. */
  shortcuts: boolean
  details: boolean
}

const KEY = 'kefu-workbench:preferences'

export const usePreferences = defineStore('preferences', () => {
  const store = safeStore(() => localStorage)
  const state = reactive<Preferences>({
    language: pickLanguage(),
    theme: 'auto',
    sound: true,
    notifications: false,
    enterSends: true,
    shortcuts: true,
    details: true,
    ...saved(store.getItem(KEY)),
  })
  watch(state, () => store.setItem(KEY, JSON.stringify(state)), { deep: true })

  const dark = matchMedia('(prefers-color-scheme: dark)')
  const paint = (): void => {
    const isDark = state.theme === 'dark' || (state.theme === 'auto' && dark.matches)
    document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light'
  }
  dark.addEventListener('change', paint)
  watch(() => state.theme, paint, { immediate: true })

  return toRefs(state)
})

function saved(text: string | null): Partial<Preferences> {
  try {
    const found = JSON.parse(text ?? '{}') as Partial<Preferences>
    return { ...found, language: pickLanguage(found.language) }
  } catch {
    return {}
  }
}
