/** Puts the one line on this page, as any shop would, and keeps what the chat reports. */
import { reactive, ref } from 'vue'

export type Options = Record<string, unknown>

interface Kefu {
  init: (options?: Options) => void
  open: () => void
  close: () => void
  toggle: () => void
  sendMessage: (text: string) => void
  setUser: (user: Options, signature?: string) => void
  on: (name: string, listener: (detail: unknown) => void) => () => void
  update: (options: Options) => void
  logout: () => void
  destroy: () => void
}

const page = window as unknown as { FiidoKefu?: Kefu; FiidoKefuConfig?: Options }

export const happened = reactive<{ at: string; name: string; detail: string }[]>([])
const isLoaded = ref(false)

const EVENTS = ['ready', 'open', 'close', 'status', 'message', 'unread', 'session', 'error']

export function addChat(shop: string, options: Options): void {
  page.FiidoKefuConfig = options
  const script = document.createElement('script')
  script.async = true
  script.src = `/sdk/fiido-kefu.js?shop=${shop}`
  script.onload = () => {
    isLoaded.value = true
    for (const name of EVENTS) {
      page.FiidoKefu?.on(name, (detail) => {
        happened.unshift({
          at: new Date().toLocaleTimeString(),
          name,
          detail: detail === undefined ? '' : JSON.stringify(detail),
        })
        happened.length = Math.min(happened.length, 12)
      })
    }
  }
  document.head.append(script)
}

/** Commands before the script is there would be queued by a shop; here buttons wait for it. */
export function kefu(): Kefu | undefined {
  return isLoaded.value ? page.FiidoKefu : undefined
}
