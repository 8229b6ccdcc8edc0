/** The allow-list renderer's tree, shared with the workbench. */
export * from '@fiido-kefu/chatlog'
