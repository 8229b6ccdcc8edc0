/** Only the last of several calls in a row happens. */
export function debounced<A extends unknown[]>(act: (...args: A) => unknown, milliseconds: number): (...args: A) => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return (...args) => {
    clearTimeout(timer)
    timer = setTimeout(() => void act(...args), milliseconds)
  }
}
