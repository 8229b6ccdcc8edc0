/** Draws a markdown tree as elements and text nodes; there is no way from here to raw HTML. */
import { computed, defineComponent, h, type FunctionalComponent, type PropType, type VNode } from 'vue'
import { parseMarkdown, splitStable, withoutLooseEnd, type Block, type Inline } from './markdown'

function drawInline(nodes: readonly Inline[], hint: string): (VNode | string)[] {
  return nodes.map((node) => {
    switch (node.kind) {
      case 'text':
        return node.text
      case 'code':
        return h('code', node.text)
      case 'break':
        return h('br')
      case 'link':
        return h(
          'a',
          { href: node.href, target: '_blank', rel: 'noopener noreferrer nofollow ugc', title: hint },
          drawInline(node.children, hint),
        )
      default:
        return h(node.kind, drawInline(node.children, hint))
    }
  })
}

function drawBlock(block: Block, hint: string): VNode {
  switch (block.kind) {
    case 'paragraph':
      return h('p', drawInline(block.children, hint))
    case 'heading':
      // A heading inside a message is bold text: it must not disturb the page's outline.
      return h('p', { class: 'md-heading', 'data-level': block.level }, drawInline(block.children, hint))
    case 'code':
      return h('pre', { tabindex: 0 }, h('code', block.text))
    case 'quote':
      return h('blockquote', block.children.map((child) => drawBlock(child, hint)))
    case 'list':
      return h(
        block.ordered ? 'ol' : 'ul',
        block.ordered && block.start !== 1 ? { start: block.start } : {},
        block.items.map((item) => h('li', item.map((child) => drawBlock(child, hint)))),
      )
    case 'table':
      return h('div', { class: 'md-table', tabindex: 0 }, drawTable(block, hint))
    case 'rule':
      return h('hr')
  }
}

function drawTable(table: Extract<Block, { kind: 'table' }>, hint: string): VNode {
  const cells = (tag: string, row: Inline[][]): VNode[] => row.map((cell) => h(tag, drawInline(cell, hint)))
  return h('table', [
    h('thead', h('tr', cells('th', table.head))),
    h('tbody', table.rows.map((row) => h('tr', cells('td', row)))),
  ])
}

/** Drawn again only when they are other blocks: of a growing answer, all but the last. */
const SettledBlocks: FunctionalComponent<{ blocks: readonly Block[]; hint: string }> = (props) =>
  props.blocks.map((block) => drawBlock(block, props.hint))
SettledBlocks.props = ['blocks', 'hint']

export default defineComponent({
  props: {
    text: { type: String as PropType<string>, required: true },
    isGrowing: { type: Boolean, default: false },
    hint: { type: String, default: '' },
  },
  setup(props) {
    // While it grows, only the last paragraph is parsed and drawn again.
    const parts = computed(() => (props.isGrowing ? splitStable(props.text) : ([props.text, ''] as const)))
    const stable = computed(() => parts.value[0])
    const settled = computed(() => parseMarkdown(stable.value))
    const open = computed(() => parseMarkdown(withoutLooseEnd(parts.value[1])))
    const drawn = (blocks: readonly Block[]): VNode[] => blocks.map((block) => drawBlock(block, props.hint))
    return () => {
      const begin = props.isGrowing ? [h(SettledBlocks, { blocks: settled.value, hint: props.hint })] : drawn(settled.value)
      return h('div', { class: 'md' }, [...begin, ...drawn(open.value)])
    }
  },
})
