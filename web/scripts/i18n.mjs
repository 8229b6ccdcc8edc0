/**
 * Fails on a key that a language lacks or has too many of, on other placeholders than English has,
 * on a text that is empty, and on a key that the code names and no language knows.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const web = join(dirname(fileURLToPath(import.meta.url)), '..')
const REQUIRED = ['zh', 'en']
let problems = 0

function complain(text) {
  problems += 1
  console.error(text)
}

function flatten(value, prefix = '', into = new Map()) {
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'object' && inner !== null) flatten(inner, `${prefix}${key}.`, into)
    else into.set(prefix + key, inner)
  }
  return into
}

const placeholders = (text) => [...String(text).matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort().join()

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'locales' ? [] : sources(path)
    return /\.(ts|vue)$/.test(entry.name) ? [readFileSync(path, 'utf8')] : []
  })
}

function checkPackage(name) {
  const folder = join(web, name, 'src/locales')
  if (!existsSync(folder)) return
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  const all = new Map(files.map((file) => [file.slice(0, -5), flatten(JSON.parse(readFileSync(join(folder, file), 'utf8')))]))
  for (const language of REQUIRED) if (!all.has(language)) complain(`${name}: ${language} is missing`)
  const reference = all.get('en') ?? new Map()
  for (const [language, texts] of all) {
    for (const [key, text] of reference) {
      if (!texts.has(key)) complain(`${name}/${language}: lacks ${key}`)
      else if (String(texts.get(key)).trim() === '') complain(`${name}/${language}: ${key} is empty`)
      else if (placeholders(texts.get(key)) !== placeholders(text)) complain(`${name}/${language}: ${key} has other placeholders than en`)
    }
    for (const key of texts.keys()) if (!reference.has(key)) complain(`${name}/${language}: ${key} is not in en`)
  }
  const known = [...reference.keys()]
  for (const code of sources(join(web, name, 'src'))) {
    for (const [, key] of code.matchAll(/\b(?:t|tm|te)\('([\w.]+)'/g)) {
      if (!known.some((one) => one === key || one.startsWith(`${key}.`))) complain(`${name}: the code names ${key}, no language has it`)
    }
  }
  console.log(`${name}: ${all.size} languages, ${reference.size} texts`)
}

for (const name of ['widget', 'workbench', 'storefront']) checkPackage(name)
process.exit(problems > 0 ? 1 : 0)
