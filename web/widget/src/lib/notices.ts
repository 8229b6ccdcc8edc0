/** What the system says, in the language of the window. */
import type { Message } from '@fiido-kefu/protocol'
import { useI18n } from 'vue-i18n'
import { useChat } from '../state/chat'

const NAMING = new Set(['takeover', 'transfer'])

/** The server's own words where we have none, or no name for who came. */
export function useNotices(): (notice: Message) => string {
  const chat = useChat()
  const { t, te } = useI18n()
  /** The next agent to speak after it, else who is here now. */
  const cameAt = (seq: number): string | undefined =>
    chat.messages.find((one) => one.seq > seq && one.role === 'agent')?.agent_name ?? chat.conversation.agent?.name

  return ({ notice, seq, content }) => {
    const key = `notice.${notice}`
    if (!notice || !te(key)) return content
    if (!NAMING.has(notice)) return t(key)
    const name = cameAt(seq)
    return name ? t(key, { name }) : content
  }
}
