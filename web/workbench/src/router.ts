/** Which page stands at which address; nobody gets past the login without one. */
import { createRouter, createWebHistory, type RouteLocationNormalized, type Router } from 'vue-router'
import { useAccount } from './stores/account'
import { usePanel } from './stores/panel'
import DeskView from './views/DeskView.vue'
import LoginView from './views/LoginView.vue'

declare module 'vue-router' {
  interface RouteMeta {
    title: string
    isOpen?: boolean
    /** The right, as the policy table names it, without which the page shows nothing. */
    right?: string
  }
}

export function createPages(): Router {
  const router = createRouter({
    history: createWebHistory('/agent/'),
    routes: [
      { path: '/', name: 'desk', component: DeskView, meta: { title: 'nav.desk' } },
      { path: '/c/:name', name: 'conversation', component: DeskView, meta: { title: 'nav.desk' } },
      { path: '/login', name: 'login', component: LoginView, meta: { title: 'login.title', isOpen: true } },
      {
        path: '/numbers',
        name: 'numbers',
        component: () => import('./views/NumbersView.vue'),
        meta: { title: 'nav.numbers' },
      },
      {
        path: '/people',
        name: 'people',
        component: () => import('./views/PeopleView.vue'),
        meta: { title: 'nav.people', right: 'GET /api/agents' },
      },
      { path: '/me', name: 'me', component: () => import('./views/MeView.vue'), meta: { title: 'nav.me' } },
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  })
  router.beforeEach((to, from) => guard(to, from))
  return router
}

function guard(to: RouteLocationNormalized, from: RouteLocationNormalized) {
  const account = useAccount()
  if (account.phase === 'out' && !to.meta.isOpen) return { name: 'login', query: { next: to.fullPath } }
  if (account.phase === 'in' && to.name === 'login') return nextOf(to.query['next'])
  if (account.phase === 'in' && to.meta.right && !account.may(to.meta.right)) return { name: 'desk' }
  if (from.name === 'conversation' && to.name === 'desk' && usePanel().leave()) return false
  return true
}

/** Where somebody was before the login; a page of ours, whatever the address says. */
export function nextOf(wish: unknown): string {
  const path = typeof wish === 'string' ? wish : ''
  return /^\/(?![/\\])/.test(path) && !path.startsWith('/login') ? path : '/'
}
