import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [vue()],
  test: {
    include: ['*/test/**/*.test.ts'],
    environment: 'node',
    environmentOptions: {
      happyDOM: { settings: { disableIframePageLoading: true, handleDisabledFileLoadingAsSuccess: true } },
    },
    // happy-dom says of each frame that it does not load it; the tests mean it so.
    onConsoleLog: (text) => !text.includes('Iframe page loading is disabled'),
    testTimeout: 15_000,
  },
})
