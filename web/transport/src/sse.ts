/** Server-sent events from bytes, whatever the chunks: frames, comments and `retry:` as they end. */

export interface SseFrame {
  event: string
  data: string
  id: string | null
}

export interface SseHandlers {
  onFrame: (frame: SseFrame) => void
  onRetry?: (milliseconds: number) => void
}

/** Returns a function to be fed decoded text; state carries over from chunk to chunk. */
export function createSseParser({ onFrame, onRetry }: SseHandlers): (text: string) => void {
  let rest = ''
  let afterReturn = false
  let event = ''
  let data: string[] = []
  let id: string | null = null

  const dispatch = (): void => {
    if (data.length > 0) onFrame({ event: event || 'message', data: data.join('\n'), id })
    event = ''
    data = []
    id = null
  }

  const takeLine = (line: string): void => {
    if (line === '') return dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) onRetry?.(Number(value))
  }

  return (text) => {
    // A CRLF split over two chunks is one line end, not two.
    const fresh = afterReturn && text.startsWith('\n') ? text.slice(1) : text
    if (text !== '') afterReturn = text.endsWith('\r')
    const lines = (rest + fresh).split(/\r\n|\r|\n/)
    rest = lines.pop() ?? ''
    lines.forEach(takeLine)
  }
}

/** Reads a response body to its end; `onBytes` tells the watchdog that the line is alive. */
export async function readSse(
  body: ReadableStream<Uint8Array>,
  handlers: SseHandlers & { onBytes?: () => void },
): Promise<void> {
  const feed = createSseParser(handlers)
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      handlers.onBytes?.()
      feed(decoder.decode(value, { stream: true }))
    }
  } finally {
    reader.releaseLock()
  }
}
