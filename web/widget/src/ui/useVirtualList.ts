/** The long list that keeps its place, shared with the workbench. */
export { useVirtualList, type VirtualList } from '@fiido-kefu/chatlog'
