import { afterEach, describe, expect, it, vi } from 'vitest'
import { createPlayer } from '../src/lib/tone'

describe('the tones', () => {
  afterEach(() => vi.unstubAllGlobals())

  /** A browser's sound, which wakes or refuses when it is told to. */
  function sound() {
    const played: number[] = []
    const pending: { wake: () => void; refuse: () => void }[] = []
    class Context {
      currentTime = 0
      resume = () => new Promise<void>((wake, refuse) => pending.push({ wake, refuse: () => refuse(new Error('not now')) }))
      createGain = () => ({
        gain: { setValueAtTime: vi.fn(), linearRampToValueAtTime: vi.fn(), exponentialRampToValueAtTime: vi.fn() },
        connect: vi.fn(),
      })
      createOscillator = () => {
        const frequency = { value: 0 }
        return { frequency, connect: (to: unknown) => to, start: () => played.push(frequency.value), stop: vi.fn() }
      }
    }
    vi.stubGlobal('AudioContext', Context)
    const settle = async (how: 'wake' | 'refuse') => {
      pending.splice(0).forEach((one) => one[how]())
      await new Promise((done) => setTimeout(done))
    }
    return { played, settle }
  }

  it('are silent before the first click', () => {
    const { played } = sound()
    createPlayer().play('waiting')
    expect(played).toEqual([])
  })

  it('wait for a browser that wakes its sound, and only the newest is played', async () => {
    const { played, settle } = sound()
    const player = createPlayer()
    player.unlock()
    player.play('waiting')
    player.play('message')
    expect(played).toEqual([])
    await settle('wake')
    expect(played).toHaveLength(2)
    player.play('message')
    await settle('wake')
    expect(played).toEqual([783.99, 659.3, 783.99, 659.3])
  })

  it('are forgotten where the browser refuses', async () => {
    const { played, settle } = sound()
    const player = createPlayer()
    player.unlock()
    player.play('waiting')
    await settle('refuse')
    player.play('message')
    await settle('wake')
    expect(played).toEqual([783.99, 659.3])
  })
})
