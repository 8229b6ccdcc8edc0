/** Which rows of a long list are near the window, shared with the workbench. */
export { layOut, type Rows } from '@fiido-kefu/chatlog'
