/** Two soft notes, made on the spot: nothing to load, nothing to license. */

export type Tone = 'waiting' | 'message'

const NOTES: Record<Tone, [number, number]> = { waiting: [587.3, 880], message: [783.99, 659.3] }

export interface Player {
  /** Browsers allow sound after a first click or key only. */
  unlock: () => void
  play: (tone: Tone) => void
  readonly isUnlocked: boolean
}

export function createPlayer(): Player {
  let context: AudioContext | null = null
  /** The newest that was wished; a browser takes its time to wake its sound. */
  let due: Tone | null = null

  const note = (at: AudioContext, frequency: number, after: number): void => {
    const start = at.currentTime + after
    const oscillator = at.createOscillator()
    const gain = at.createGain()
    oscillator.frequency.value = frequency
    gain.gain.setValueAtTime(0, start)
    gain.gain.linearRampToValueAtTime(0.09, start + 0.02)
    gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.45)
    oscillator.connect(gain).connect(at.destination)
    oscillator.start(start)
    oscillator.stop(start + 0.5)
  }

  const ring = (): void => {
    NOTES[due!].forEach((frequency, index) => note(context!, frequency, index * 0.14))
    forget()
  }

  const forget = (): void => {
    due = null
  }

  return {
    get isUnlocked() {
      return context !== null
    },
    unlock: () => {
      context ??= typeof AudioContext === 'undefined' ? null : new AudioContext()
      void context?.resume().catch(forget)
    },
    play: (tone) => {
      if (context === null) return
      const isWaking = due !== null
      due = tone
      if (!isWaking) void context.resume().then(ring, forget)
    },
  }
}
