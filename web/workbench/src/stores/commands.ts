/** What the conversation in front can do, for keys that are pressed anywhere. */
import { defineStore } from 'pinia'
import { onBeforeUnmount, onMounted, shallowRef } from 'vue'
import type { Act } from './conversation'

export interface Commands {
  run: (act: Act) => void
  reply: () => void
  leave: () => void
}

export const useCommands = defineStore('commands', () => ({ present: shallowRef<Commands | null>(null) }))

/** While the component lives, its conversation is the one that keys mean. */
export function offerCommands(commands: Commands): void {
  const store = useCommands()
  onMounted(() => (store.present = commands))
  onBeforeUnmount(() => {
    if (store.present === commands) store.present = null
  })
}
