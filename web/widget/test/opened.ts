/** A chat window on a backend in miniature, opened as often as a test likes. */
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { afterEach, beforeEach } from 'vitest'
import { FakeBackend } from '../../testing/fake-backend'
import App from '../src/App.vue'
import { createTexts, type Language } from '../src/i18n'
import { useChat } from '../src/state/chat'

export let backend: FakeBackend
/** The store of the window opened last. */
export let chatOf: () => ReturnType<typeof useChat>
let opened: VueWrapper[] = []
const realFetch = globalThis.fetch

beforeEach(async () => {
  backend = await new FakeBackend().start()
  localStorage.clear()
  // The window calls its own origin; here that is the backend in miniature.
  globalThis.fetch = ((input: string, init?: RequestInit) => realFetch(`${backend.url}${input}`, init)) as typeof fetch
})
afterEach(async () => {
  for (const one of opened) one.unmount()
  opened = []
  globalThis.fetch = realFetch
  await backend.stop()
})

export async function open(language: Language = 'en', consent?: string): Promise<VueWrapper> {
  const query = `/embed?shop=demo&language=${language}${consent ? `&consent=${consent}` : ''}`
  history.replaceState(null, '', query)
  const pinia = createPinia()
  chatOf = () => useChat(pinia)
  const chat = mount(App, { attachTo: document.body, global: { plugins: [pinia, await createTexts(language)] } })
  opened.push(chat)
  await flushPromises()
  return chat
}

export async function write(chat: VueWrapper, text: string): Promise<void> {
  await chat.find('.composer textarea').setValue(text)
  await chat.find('.composer').trigger('submit')
}
