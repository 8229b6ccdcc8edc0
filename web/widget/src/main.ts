/** The chat window: reads where it is embedded, builds the app, tells the loader it is there. */
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { createTexts, pickLanguage } from './i18n'
import { embedding } from './state/bridge'
import './styles/base.css'

const { options } = embedding()
const app = createApp(App)
app.use(createPinia())
void createTexts(pickLanguage(options.language)).then((texts) => {
  app.use(texts)
  app.mount('#app')
})
