/** Full screen on phones: keyboard, scroll lock and the back button, undone without a trace. */

export interface FullScreen {
  leave: (byBack?: boolean) => void
}

const MARK = 'fiidoKefu'

export function enterFullScreen(panel: HTMLElement, onBack: () => void): FullScreen {
  const { style } = document.documentElement
  const overflow = style.overflow
  style.overflow = 'hidden'

  // An iframe does not shrink with the keyboard; the visual viewport tells how much is left.
  const viewport = window.visualViewport
  const fit = (): void => {
    if (!viewport) return
    panel.style.top = `${viewport.offsetTop}px`
    panel.style.height = `${viewport.height}px`
  }
  const life = new AbortController()
  viewport?.addEventListener('resize', fit, life)
  viewport?.addEventListener('scroll', fit, life)
  fit()

  const popped = (): void => {
    if (!history.state?.[MARK]) onBack()
  }
  try {
    // A page loaded anew while it was open still has the entry.
    if (!history.state?.[MARK]) history.pushState({ ...history.state, [MARK]: 1 }, '')
  } catch {
    // A sandboxed page may not; then back leaves the page as it always did.
  }
  addEventListener('popstate', popped, life)

  return {
    leave: (byBack) => {
      style.overflow = overflow
      life.abort()
      panel.style.top = panel.style.height = ''
      if (!byBack && history.state?.[MARK]) history.back()
    },
  }
}
