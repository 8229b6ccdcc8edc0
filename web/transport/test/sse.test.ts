import { describe, expect, it } from 'vitest'
import { backoffMs, createSseParser, type SseFrame } from '../src'

const TEXT = ': hb\n\nid: g-1\nevent: ready\ndata: {"a":1}\n\nretry: 1500\n\ndata: one\r\ndata: two\r\n\r\nevent: x\rdata:tight\r\rid: 9\ndata: 中文 é\n\n'

function parse(chunks: string[]): { frames: SseFrame[]; retries: number[] } {
  const frames: SseFrame[] = []
  const retries: number[] = []
  const feed = createSseParser({ onFrame: (frame) => frames.push(frame), onRetry: (ms) => retries.push(ms) })
  chunks.forEach(feed)
  return { frames, retries }
}

describe('the stream decoder', () => {
  it('gives the same frames however the bytes are cut', () => {
    const whole = parse([TEXT])
    expect(whole.frames).toEqual([
      { event: 'ready', data: '{"a":1}', id: 'g-1' },
      { event: 'message', data: 'one\ntwo', id: null },
      { event: 'x', data: 'tight', id: null },
      { event: 'message', data: '中文 é', id: '9' },
    ])
    expect(whole.retries).toEqual([1500])
    for (let first = 1; first < TEXT.length; first += 1) {
      for (const second of [first + 1, first + 5]) {
        expect(parse([TEXT.slice(0, first), TEXT.slice(first, second), TEXT.slice(second)])).toEqual(whole)
      }
    }
    expect(parse([...TEXT])).toEqual(whole)
  })

  it('never gives out an unfinished frame', () => {
    expect(parse(['data: {"half":']).frames).toEqual([])
  })
})

describe('backoff', () => {
  it('grows, is capped, and never hammers', () => {
    expect(backoffMs(0, () => 0)).toBe(125)
    expect(backoffMs(3, () => 1)).toBe(4000)
    expect(backoffMs(50, () => 1)).toBe(30_000)
  })
})
