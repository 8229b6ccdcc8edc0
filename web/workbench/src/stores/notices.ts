/** Short words that come and go: what happened, what failed, what to do. */
import { defineStore } from 'pinia'
import { ref } from 'vue'

export interface Notice {
  id: number
  kind: 'info' | 'good' | 'bad'
  text: string
  action?: { label: string; run: () => void }
}

const SHOWN_MS = { info: 6000, good: 4000, bad: 12_000 }

export const useNotices = defineStore('notices', () => {
  const notices = ref<Notice[]>([])
  let last = 0

  function dismiss(id: number): void {
    notices.value = notices.value.filter((notice) => notice.id !== id)
  }

  /** Its time counts where somebody can read it: who looks elsewhere finds it when they come back. */
  function fade(id: number, milliseconds: number): void {
    setTimeout(() => {
      if (!document.hidden) dismiss(id)
      else document.addEventListener('visibilitychange', () => fade(id, milliseconds), { once: true })
    }, milliseconds)
  }

  function say(kind: Notice['kind'], text: string, action?: Notice['action']): void {
    // The same words again are the same notice, only newer.
    notices.value = notices.value.filter((notice) => notice.text !== text).slice(-3)
    const id = (last += 1)
    notices.value.push({ id, kind, text, ...(action ? { action } : {}) })
    fade(id, SHOWN_MS[kind])
  }

  return { notices, say, dismiss }
})
