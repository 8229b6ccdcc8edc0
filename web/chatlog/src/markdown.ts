/**
 * Markdown to a tree of allowed nodes; what is not on the list stays text.
 *
 * No HTML is ever parsed or produced, images become links, and links lead to http, https and
 * mailto only. The tree is rendered as DOM text nodes, so nothing in an answer can run.
 */

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'strong' | 'em' | 'del'; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'link'; href: string; children: Inline[] }
  | { kind: 'break' }

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

/** Answers are up to 64 KB; nesting deeper than people write is shown as it stands. */
const MAX_DEPTH = 5

const FENCE = /^ {0,3}(```+|~~~+)/
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/
const ITEM = /^( {0,3})([-*+•]|\d{1,9}[.)])\s+(.*)$/
const QUOTE = /^ {0,3}>\s?/
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$/

export function parseMarkdown(text: string, depth = 0): Block[] {
  return parseLines(text.replace(/\r\n?/g, '\n').split('\n'), depth)
}

function parseLines(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const line = lines[at] ?? ''
    if (line.trim() === '') at += 1
    else if (depth >= MAX_DEPTH) at = takeParagraph(lines, at, blocks, true)
    else at = takeBlock(lines, at, blocks, depth)
  }
  return blocks
}

function takeBlock(lines: readonly string[], at: number, blocks: Block[], depth: number): number {
  const line = lines[at] ?? ''
  const heading = HEADING.exec(line)
  if (FENCE.test(line)) return takeFence(lines, at, blocks)
  if (heading) {
    blocks.push({ kind: 'heading', level: heading[1]!.length, children: parseInline(heading[2]!) })
    return at + 1
  }
  if (RULE.test(line)) {
    blocks.push({ kind: 'rule' })
    return at + 1
  }
  if (QUOTE.test(line)) return takeQuote(lines, at, blocks, depth)
  if (ITEM.test(line)) return takeList(lines, at, blocks, depth)
  if (line.includes('|') && DIVIDER.test(lines[at + 1] ?? '')) return takeTable(lines, at, blocks)
  return takeParagraph(lines, at, blocks, false)
}

function takeFence(lines: readonly string[], at: number, blocks: Block[]): number {
  const mark = FENCE.exec(lines[at] ?? '')![1]!
  let end = at + 1
  while (end < lines.length && !(lines[end] ?? '').trimStart().startsWith(mark)) end += 1
  blocks.push({ kind: 'code', text: lines.slice(at + 1, end).join('\n') })
  return end + 1
}

function takeQuote(lines: readonly string[], at: number, blocks: Block[], depth: number): number {
  let end = at
  while (end < lines.length && QUOTE.test(lines[end] ?? '')) end += 1
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ''))
  blocks.push({ kind: 'quote', children: parseLines(inner, depth + 1) })
  return end
}

function takeList(lines: readonly string[], at: number, blocks: Block[], depth: number): number {
  const ordered = /\d/.test(ITEM.exec(lines[at] ?? '')![2]!)
  const start = ordered ? parseInt(ITEM.exec(lines[at] ?? '')![2]!, 10) : 1
  const items: string[][] = []
  while (at < lines.length) {
    const line = lines[at] ?? ''
    const item = ITEM.exec(line)
    if (item && /\d/.test(item[2]!) === ordered) items.push([item[3]!])
    else if (/^\s{2,}\S/.test(line)) items[items.length - 1]!.push(line.replace(/^\s{2,4}/, ''))
    else if (line.trim() === '' && continuesList(lines, at, ordered)) items[items.length - 1]!.push('')
    else break
    at += 1
  }
  blocks.push({ kind: 'list', ordered, start, items: items.map((one) => parseLines(one, depth + 1)) })
  return at
}

function continuesList(lines: readonly string[], at: number, ordered: boolean): boolean {
  const next = lines[at + 1] ?? ''
  const item = ITEM.exec(next)
  return /^\s{2,}\S/.test(next) || (item !== null && /\d/.test(item[2]!) === ordered)
}

function takeTable(lines: readonly string[], at: number, blocks: Block[]): number {
  const cells = (line: string): Inline[][] =>
    line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => parseInline(cell.trim()))
  const head = cells(lines[at] ?? '')
  const rows: Inline[][][] = []
  at += 2
  while (at < lines.length && (lines[at] ?? '').includes('|')) {
    rows.push(cells(lines[at] ?? '').slice(0, head.length))
    at += 1
  }
  blocks.push({ kind: 'table', head, rows })
  return at
}

function takeParagraph(lines: readonly string[], at: number, blocks: Block[], plain: boolean): number {
  let end = at + 1
  while (end < lines.length && (lines[end] ?? '').trim() !== '' && (plain || !startsBlock(lines[end]!))) {
    end += 1
  }
  blocks.push({ kind: 'paragraph', children: parseInline(lines.slice(at, end).join('\n').trim()) })
  return end
}

function startsBlock(line: string): boolean {
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line))
}

/** Order matters: what comes first wins at the same place. Every repeat is bounded. */
const INLINE = new RegExp(
  [
    '\\\\([\\\\`*_{}\\[\\]()#+\\-.!~|>])', // 1 escaped
    '(`+)([^`]{1,2000}?)\\2(?!`)', // 2 3 code
    '!?\\[([^\\[\\]\\n]{0,500})\\]\\(\\s*<?([^\\s<>()]{1,2000}(?:\\([^\\s<>()]{0,500}\\)[^\\s<>()]{0,500})?)>?(?:\\s+["\'][^"\'\\n]{0,300}["\'])?\\s*\\)', // 4 5 link
    '(\\*\\*|__)(?=\\S)([^\\n]{1,2000}?\\S|\\S)\\6', // 6 7 strong
    '~~(?=\\S)([^~\\n]{1,2000})~~', // 8 del
    '\\*(?=[^\\s*])([^*\\n]{1,2000})\\*', // 9 em
    '(?<![\\w])_(?=[^\\s_])([^_\\n]{1,2000})_(?![\\w])', // 10 em
    '(https?:\\/\\/[^\\s<>"\'`]{1,2000})', // 11 bare link
    '( {2,})?\\n', // 12 break
  ].join('|'),
  'g',
)

export function parseInline(text: string, depth = 0): Inline[] {
  const nodes: Inline[] = []
  const say = (part: string): void => {
    const last = nodes[nodes.length - 1]
    if (part === '') return
    if (last?.kind === 'text') last.text += part
    else nodes.push({ kind: 'text', text: part })
  }
  let at = 0
  for (const match of text.matchAll(INLINE)) {
    say(text.slice(at, match.index))
    at = match.index + match[0].length
    const node = depth >= MAX_DEPTH ? null : inlineOf(match, depth)
    if (node === null) say(match[1] ?? match[0])
    else if (node.kind === 'link' && match[11]) {
      nodes.push(node)
      say(match[0].slice(node.href.length))
    } else nodes.push(node)
  }
  say(text.slice(at))
  return nodes
}

function inlineOf(match: RegExpMatchArray, depth: number): Inline | null {
  const [, escaped, , code, label, target, , strong, gone, star, underscore, bare] = match
  const inner = (part: string): Inline[] => parseInline(part, depth + 1)
  if (escaped !== undefined) return null
  if (code !== undefined) return { kind: 'code', text: code.trim() }
  if (target !== undefined) {
    const href = safeHref(target)
    return href ? { kind: 'link', href, children: label ? inner(label) : [{ kind: 'text', text: href }] } : null
  }
  if (strong !== undefined) return { kind: 'strong', children: inner(strong) }
  if (gone !== undefined) return { kind: 'del', children: inner(gone) }
  const em = star ?? underscore
  if (em !== undefined) return { kind: 'em', children: inner(em) }
  if (bare !== undefined) {
    // Punctuation after an address belongs to the sentence; CJK text follows without a space.
    const trimmed = bare.replace(/[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef].*$/s, '').replace(/[.,;:!?)\]]+$/, '')
    const href = safeHref(trimmed)
    return href && trimmed === href ? { kind: 'link', href, children: [{ kind: 'text', text: trimmed }] } : null
  }
  return { kind: 'break' }
}

/** The address as it was written, if it is absolute and of an allowed kind; else `null`. */
export function safeHref(target: string): string | null {
  try {
    const { protocol } = new URL(target)
    return ['http:', 'https:', 'mailto:'].includes(protocol) && !hasControl(target) ? target : null
  } catch {
    return null
  }
}

function hasControl(text: string): boolean {
  return [...text].some((character) => character.charCodeAt(0) < 33)
}

/** Cuts a growing text into what will not change any more and what still may. */
export function splitStable(text: string): [stable: string, open: string] {
  const fences = text.match(/^ {0,3}(```|~~~)/gm)?.length ?? 0
  const cut = fences % 2 === 1 ? text.lastIndexOf('```') : text.lastIndexOf('\n\n')
  return cut <= 0 ? ['', text] : [text.slice(0, cut), text.slice(cut)]
}

/** A half-typed mark at the end of a growing text would flash; it is held back until it is whole. */
export function withoutLooseEnd(text: string): string {
  return text.replace(/(\*{1,2}|_{1,2}|`{1,2}|!?\[[^\]\n]{0,200}(\]\([^)\n]{0,400})?)$/, '')
}
