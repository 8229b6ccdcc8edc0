/** Waits for a condition, never for a time; fails with what it saw last. */
export async function until<T>(probe: () => T | false | null | undefined, what = 'the condition'): Promise<T> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const value = probe()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`${what} never came`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
