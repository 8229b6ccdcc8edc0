/**
 * Builds everything the gateway serves into `dist/`:
 * embed/, storefront/, agent/ (pages), sdk/fiido-kefu.js, assets/ (hashed), each with .br and .gz.
 * Named workspaces only are built anew beside what is there: `node scripts/build.mjs widget sdk`.
 */
import vue from '@vitejs/plugin-vue'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'

const web = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(web, 'dist')

/** Workspace → the folder its page is served from. */
const PAGES = { widget: 'embed', storefront: 'storefront', workbench: 'agent' }
const TEXT = new Set(['.js', '.css', '.html', '.svg', '.json', '.map', '.txt', '.webmanifest'])

const FLAGS = {
  __VUE_OPTIONS_API__: 'false',
  __VUE_PROD_DEVTOOLS__: 'false',
  __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  __VUE_I18N_FULL_INSTALL__: 'false',
  __VUE_I18N_LEGACY_API__: 'false',
  __INTLIFY_PROD_DEVTOOLS__: 'false',
}

async function buildPage(name, folder) {
  await build({
    root: join(web, name),
    configFile: false,
    logLevel: 'warn',
    base: '/',
    plugins: [vue()],
    define: FLAGS,
    build: {
      outDir: dist,
      emptyOutDir: false,
      assetsDir: 'assets',
      assetsInlineLimit: 0,
      target: 'es2022',
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  })
  mkdirSync(join(dist, folder), { recursive: true })
  renameSync(join(dist, 'index.html'), join(dist, folder, 'index.html'))
}

/**
 * Has Chromium compile the loader's functions where it reads the script, off the page's main thread:
 * a quarter of what the loader would cost the page. It counts on the first line only.
 */
const COMPILE_HINT = '//# allFunctionsCalledOnLoad\n'

async function buildSdk() {
  await build({
    root: join(web, 'sdk'),
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir: join(dist, 'sdk'),
      emptyOutDir: false,
      target: 'es2020',
      reportCompressedSize: false,
      lib: { entry: 'src/index.ts', formats: ['iife'], name: 'FiidoKefuLoader', fileName: () => 'fiido-kefu.js' },
    },
  })
  const path = join(dist, 'sdk/fiido-kefu.js')
  writeFileSync(path, COMPILE_HINT + readFileSync(path, 'utf8'))
}

function compress(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) compress(path)
    else if (TEXT.has(extname(entry.name))) {
      const bytes = readFileSync(path)
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
      writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
    }
  }
}

const wanted = process.argv.slice(2)
const isWanted = (name) => wanted.length === 0 || wanted.includes(name)
if (wanted.length === 0) rmSync(dist, { recursive: true, force: true })
for (const [name, folder] of Object.entries(PAGES)) {
  if (isWanted(name) && existsSync(join(web, name, 'index.html'))) await buildPage(name, folder)
}
if (isWanted('sdk')) await buildSdk()
compress(dist)
