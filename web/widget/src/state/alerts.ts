/** Calls for attention while nobody looks: the badge, and a soft sound if the visitor wants it. */
import { watch } from 'vue'
import { useChat } from './chat'

/** Two quiet notes; made on the spot, so that no file is fetched. */
function chime(): void {
  const audio = new AudioContext()
  ;[659, 880].forEach((frequency, at) => {
    const tone = audio.createOscillator()
    const volume = audio.createGain()
    const begin = audio.currentTime + at * 0.12
    tone.frequency.value = frequency
    volume.gain.setValueAtTime(0, begin)
    volume.gain.linearRampToValueAtTime(0.06, begin + 0.02)
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.4)
    tone.connect(volume).connect(audio.destination)
    tone.start(begin)
    tone.stop(begin + 0.45)
  })
  setTimeout(() => void audio.close(), 1000)
}

export function useAlerts(): void {
  const chat = useChat()
  watch(() => chat.unread, (count) => chat.bridge.tell({ kefu: 1, is: 'unread', count }))
  watch(
    () => chat.messages[chat.messages.length - 1],
    (message, before) => {
      if (!message || !before || message.seq <= before.seq) return
      chat.bridge.tell({ kefu: 1, is: 'message', role: message.role })
      const isAway = !chat.isVisible || document.visibilityState === 'hidden'
      const wants = chat.choices.sound ?? chat.options.sound ?? false
      if (isAway && wants && message.role !== 'user') chime()
    },
  )
}
