import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [vue()],
  test: {
    include: ['*/test/**/*.test.ts'],
    environment: 'node',
    // The frames in the loader's tests name no page, so none is fetched.
    environmentOptions: { happyDOM: { settings: { enableIframePageLoading: true, fetch: { disableSameOriginPolicy: true } } } },
    // A backend that stops at the end of a test resets its lines; happy-dom reports each of them.
    onConsoleLog: (text) => !/ECONNRESET|ECONNREFUSED|socket hang up/.test(text),
    testTimeout: 60_000,
  },
})
