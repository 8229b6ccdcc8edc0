/** Colours and light or dark, from the shop's page, the shop's configuration, or the visitor. */
import { computed, ref, watchEffect, type ComputedRef, type Ref } from 'vue'
import type { Theme } from '@fiido-kefu/protocol/embed'
import { paletteFor, parseColor, type Palette } from '../lib/color'

export const DEFAULT_COLOR = '#0f6b58'

export interface Look {
  theme: ComputedRef<'light' | 'dark'>
  palette: ComputedRef<Palette>
}

export function useLook(color: Ref<string>, wish: Ref<Theme>): Look {
  const system = window.matchMedia('(prefers-color-scheme: dark)')
  const systemIsDark = ref(system.matches)
  system.addEventListener('change', (event) => (systemIsDark.value = event.matches))

  const theme = computed(() => {
    if (wish.value === 'auto') return systemIsDark.value ? 'dark' : 'light'
    return wish.value
  })
  const palette = computed(() => {
    const chosen = parseColor(color.value) ?? parseColor(DEFAULT_COLOR)!
    return paletteFor(chosen, theme.value)
  })

  watchEffect(() => {
    const root = document.documentElement
    root.dataset['theme'] = theme.value
    const { brand, brandInk, brandText, brandSoft, brandLine } = palette.value
    const variables = { brand, 'brand-ink': brandInk, 'brand-text': brandText, 'brand-soft': brandSoft, 'brand-line': brandLine }
    for (const [name, value] of Object.entries(variables)) root.style.setProperty(`--${name}`, value)
  })
  return { theme, palette }
}
