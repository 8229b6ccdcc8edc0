/** Whether the details stand beside the conversation: kept where there is room, a passing sheet where not. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { usePreferences } from './preferences'

const NARROW = '(max-width: 1180px)'
/** Where the sheet covers all there is. */
const PHONE = '(max-width: 760px)'

export const usePanel = defineStore('panel', () => {
  const preferences = usePreferences()
  const media = matchMedia(NARROW)
  const isNarrow = ref(media.matches)
  const isSheet = ref(false)
  media.addEventListener('change', () => {
    isNarrow.value = media.matches
    isSheet.value = false
  })

  const isOpen = computed(() => (isNarrow.value ? isSheet.value : preferences.details))

  function set(open: boolean): void {
    if (isNarrow.value) isSheet.value = open
    else preferences.details = open
  }

  /** Whether a way back led out of the sheet, and so no further. */
  function leave(): boolean {
    const isCover = isSheet.value && matchMedia(PHONE).matches
    if (isCover) set(false)
    return isCover
  }

  return { isOpen, isNarrow, toggle: () => set(!isOpen.value), close: () => set(false), leave }
})
