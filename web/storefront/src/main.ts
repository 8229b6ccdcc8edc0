/** The demo shop: an invented e-bike seller whose only purpose is to show the chat at work. */
import { createApp } from 'vue'
import App from './App.vue'
import './style.css'

createApp(App).mount('#app')
