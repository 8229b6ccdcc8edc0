// @vitest-environment happy-dom
import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { parseInline, parseMarkdown, safeHref, splitStable, withoutLooseEnd } from '@fiido-kefu/chatlog'
import { MarkdownText as Markdown } from '@fiido-kefu/chatlog'

const draw = (text: string): HTMLElement => mount(Markdown, { props: { text } }).element as HTMLElement

/** Every way in which text has been made to run; shared with the workbench's tests. */
const ATTACKS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](java\nscript:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:msgbox(1))',
  '[x](//evil.example)',
  '[x](/relative)',
  '![x](https://evil.example/pixel.png)',
  '![x](javascript:alert(1))',
  '<a href="javascript:alert(1)">x</a>',
  '`<img src=x onerror=alert(1)>`',
  '```\n<script>alert(1)</script>\n```',
  '| a | b |\n| --- | --- |\n| <script>alert(1)</script> | [x](javascript:1) |',
  '> <iframe src=javascript:alert(1)>',
  '<https://evil.example" onmouseover="alert(1)>',
  '[x](https://a.example "onmouseover=alert(1)")',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '[<img src=x onerror=alert(1)>](https://a.example)',
]

describe('markdown', () => {
  it('lets nothing run and fetches nothing, whatever the text', () => {
    for (const attack of ATTACKS) {
      const root = draw(attack)
      const allowed = new Set('DIV P STRONG EM DEL CODE PRE A BR UL OL LI BLOCKQUOTE TABLE THEAD TBODY TR TH TD HR'.split(' '))
      for (const element of root.querySelectorAll('*')) {
        expect(allowed, `${element.tagName} from ${attack}`).toContain(element.tagName)
        for (const { name } of element.attributes) expect(['href', 'target', 'rel', 'title', 'class', 'tabindex', 'start', 'data-level']).toContain(name)
        const href = element.getAttribute('href')
        if (href) expect(href).toMatch(/^https?:\/\//)
      }
    }
  })

  it('shows an image as a link, never as an image', () => {
    const root = draw('![a bike](https://shop.example/bike.jpg)')
    expect(root.querySelector('img')).toBeNull()
    expect(root.querySelector('a')?.textContent).toBe('a bike')
  })

  it('opens links elsewhere and tells them nothing of where they come from', () => {
    const link = draw('see [the test](https://a.example/x?y=1)').querySelector('a')!
    expect(link.target).toBe('_blank')
    expect(link.rel).toContain('noopener')
    expect(link.rel).toContain('noreferrer')
  })

  it('draws what assistants write', () => {
    const root = draw('# Title\n\nSome **bold** and *soft* `code`.\n\n1. one\n2. two\n   - deep\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\n```js\nlet x\n```')
    expect(root.querySelector('.md-heading')?.textContent).toBe('Title')
    expect(root.querySelector('strong')?.textContent).toBe('bold')
    expect(root.querySelectorAll('ol > li')).toHaveLength(2)
    expect(root.querySelector('ol ul li')?.textContent).toBe('deep')
    expect(root.querySelector('blockquote')?.textContent).toBe('quoted')
    expect(root.querySelectorAll('td')).toHaveLength(2)
    expect(root.querySelector('pre')?.textContent).toBe('let x')
    expect(root.querySelector('hr')).not.toBeNull()
  })

  it('finds bare links and leaves the sentence around them, in Chinese too', () => {
    expect(parseInline('见 https://a.example/x。谢谢')).toEqual([
      { kind: 'text', text: '见 ' },
      { kind: 'link', href: 'https://a.example/x', children: [{ kind: 'text', text: 'https://a.example/x' }] },
      { kind: 'text', text: '。谢谢' },
    ])
  })

  it('does not take snake_case or 2 * 3 * 4 for emphasis', () => {
    expect(draw('some_snake_case and 2 * 3 * 4').querySelector('em')).toBeNull()
  })

  it('stays fast on hostile text of the largest size', () => {
    const begin = performance.now()
    for (const part of ['[', '**', '`', '![](', '> ', '- ', '|', '_a ', '\\']) parseMarkdown(part.repeat(64_000 / part.length))
    expect(performance.now() - begin).toBeLessThan(20_000)
  })

  it('knows what of a growing text is settled', () => {
    expect(splitStable('one\n\ntwo\n\nthr')).toEqual(['one\n\ntwo', '\n\nthr'])
    expect(splitStable('one\n\n```\na\n\nb')[0]).toBe('one\n\n')
    expect(withoutLooseEnd('this is **')).toBe('this is ')
    expect(withoutLooseEnd('see [the te')).toBe('see ')
  })

  it('accepts absolute addresses of three kinds only', () => {
    expect(safeHref('https://a.example')).not.toBeNull()
    expect(safeHref('mailto:a@b.example')).not.toBeNull()
    for (const bad of ['javascript:1', 'ftp://a', '//a', 'a', '', 'https://a\u0000b']) expect(safeHref(bad)).toBeNull()
  })
})
