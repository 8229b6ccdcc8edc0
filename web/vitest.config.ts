import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [vue()],
  test: {
    include: ['*/test/**/*.test.ts'],
    environment: 'node',
    // The frames in the loader's tests name no page, so none is fetched.
    environmentOptions: { happyDOM: { settings: { enableIframePageLoading: true } } },
    testTimeout: 15_000,
  },
})
