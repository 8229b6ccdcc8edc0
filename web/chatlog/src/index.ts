/** How a conversation's log is drawn, in the widget and in the workbench: safe text, long lists. */
export * from './markdown'
export * from './rows'
export * from './useVirtualList'
export { default as MarkdownText } from './MarkdownText'
