/** The conversation as plain text, to be kept by the visitor. */
import type { Message } from '@fiido-kefu/protocol'

export function transcriptOf(
  messages: readonly Message[],
  nameOf: (message: Message) => string,
  timeOf: (seconds: number) => string,
): string {
  return messages
    .map((message) => `[${timeOf(message.timestamp)}] ${nameOf(message)}:\n${message.content}`)
    .join('\n\n')
}
