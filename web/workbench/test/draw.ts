/** Mounts a component inside an app that has texts, stores and pages, as the real one does. */
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { vi } from 'vitest'
import { defineComponent, h, type Component } from 'vue'
import type { Login } from '../src/api/wire'
import { createTexts, TEXTS } from '../src/i18n'
import { createPages } from '../src/router'
import { useAccount } from '../src/stores/account'
import { FakeDesk, loginAnswer } from './fake-desk'

/** A browser's page with nothing kept in it, and a desk that answers its calls. */
export function freshDesk(): FakeDesk {
  const desk = new FakeDesk()
  vi.stubGlobal('fetch', desk.fetch)
  window.matchMedia = vi.fn().mockReturnValue({ matches: false, addEventListener: () => undefined }) as never
  sessionStorage.clear()
  localStorage.clear()
  return desk
}

/** `as`: who is logged in; the default is the agent Mia. */
export async function draw(component: Component, props: object = {}, as: Partial<Login['agent']> | null = null): Promise<VueWrapper> {
  const pinia = createPinia()
  setActivePinia(pinia)
  const texts = createTexts('en')
  const { t, te } = texts.global
  const plain = { t: (key: string, values: Record<string, unknown> = {}) => t(key, values), te: (key: string) => te(key) }
  const plugins = [pinia, texts, createPages()]
  const global = { plugins, provide: { [TEXTS as symbol]: plain } }
  const Page = defineComponent({
    setup: () => {
      if (as) useAccount().agent = { ...(loginAnswer('t') as Login).agent, ...as }
      return () => h(component, props)
    },
  })
  const shown = mount(Page, { attachTo: document.body, global })
  await flushPromises()
  return shown
}
