/** How long to wait before trying again: exponential, capped, full jitter so that crowds spread. */

const FIRST_MS = 500
const CAP_MS = 30_000

export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 10))
  // Never under a quarter: a wait of zero would hammer a gateway that has just come back.
  return Math.round(ceiling * (0.25 + 0.75 * random()))
}
