/** The allow-list renderer, shared with the workbench. */
export { MarkdownText as default } from '@fiido-kefu/chatlog'
