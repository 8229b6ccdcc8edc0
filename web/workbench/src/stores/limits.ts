/** What the server allows; asked with the line, so that a changed setting counts after a restart. */
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { useAccount } from './account'

export const useLimits = defineStore('limits', () => {
  const account = useAccount()
  /** The server's own default, until it has said. */
  const messageChars = ref(5000)

  async function learn(): Promise<void> {
    try {
      const { data } = await account.api.get<{ data: { limits: { max_message_chars: number } } }>('/api/config')
      messageChars.value = data.limits.max_message_chars
    } catch {
      // The next time the line comes back; until then the server refuses what is too long.
    }
  }

  return { messageChars, learn }
})
