/** The workbench: agents' desk, figures and accounts, served at `/agent/`. */
import { createPinia } from 'pinia'
import { createApp, watch } from 'vue'
import App from './App.vue'
import { createTexts, TEXTS } from './i18n'
import { createPages } from './router'
import { usePreferences } from './stores/preferences'
import './styles/base.css'
import './styles/markdown.css'

const app = createApp(App)
app.use(createPinia())
const preferences = app.runWithContext(() => usePreferences())
const texts = createTexts(preferences.language)
watch(
  () => preferences.language,
  (language) => {
    texts.global.locale.value = language
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  },
  { immediate: true },
)
app.use(texts)
const { t, te } = texts.global
app.provide(TEXTS, { t: (key, values = {}) => t(key, values), te: (key) => te(key) })
app.use(createPages())
app.mount('#app')
