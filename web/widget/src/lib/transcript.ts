/** The conversation as plain text, to be kept by the visitor. */

export interface Said {
  who: string
  at: string
  text: string
}

export function transcriptOf(heading: string, said: readonly Said[]): string {
  return [heading, ...said.map(({ who, at, text }) => `[${at}] ${who}:\n${text}`)].join('\n\n')
}
