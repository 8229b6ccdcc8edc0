/** Fails when a visitor would have to load more than promised; budgets in bytes, gzipped. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const dist = join(dirname(fileURLToPath(import.meta.url)), '../dist')
const zipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length

/** The page, all it names (entry, preloads, styles), and the largest language. */
function firstPaint(page) {
  const html = readFileSync(join(dist, page, 'index.html'), 'utf8')
  const named = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1])
  const assets = [...new Set(named)].map((path) => zipped(join(dist, path)))
  const locales = readdirSync(join(dist, 'assets'))
    .filter((name) => /^(zh|en|de|fr|es|it|nl|pl)-.*\.js$/.test(name))
    .map((name) => zipped(join(dist, 'assets', name)))
  return zipped(join(dist, page, 'index.html')) + assets.reduce((a, b) => a + b, 0) + Math.max(0, ...locales)
}

const rows = [
  ['sdk', zipped(join(dist, 'sdk/fiido-kefu.js')), 5 * 1024],
  ['widget to first paint', firstPaint('embed'), 80 * 1024],
  ['workbench to first paint', firstPaint('agent'), 160 * 1024],
]
let failed = false
for (const [what, size, budget] of rows) {
  const fits = size <= budget
  failed ||= !fits
  console.log(`${fits ? 'ok  ' : 'FAIL'} ${what}: ${(size / 1024).toFixed(2)} KB gzip of ${budget / 1024} KB`)
}
process.exit(failed ? 1 : 0)
