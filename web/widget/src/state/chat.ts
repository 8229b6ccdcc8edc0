/** The store: one visitor's conversation, the shop's configuration, and what the visitor chose. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import { isManual, isWaiting, type BotInfo, type WidgetConfig } from '@fiido-kefu/protocol'
import type { ChatOptions, Theme, ToWindow } from '@fiido-kefu/protocol/embed'
import { createHttp, createVisitor, memoryStore, safeStore, type VisitorView } from '@fiido-kefu/transport'
import { isLanguage, type Language } from '../i18n'
import { createBridge, embedding, type Embedding } from './bridge'
import { useDraft } from './draft'
import { DEFAULT_COLOR } from './look'
import { useRating } from './rating'
import { useReadMark } from './readmark'
import { logRows, tailRows, type Row } from './rows'

interface Choices {
  theme?: Theme
  language?: Language
  sound?: boolean
}

export const useChat = defineStore('chat', () => {
  const place = embedding()
  const bridge = createBridge(place.host)
  const options = ref<ChatOptions>(place.options)
  const config = shallowRef<WidgetConfig | null>(null)
  const bot = shallowRef<BotInfo | null>(null)
  const isUnreachable = ref(false)
  const language = ref<Language>('en')
  const isVisible = ref(!bridge.isEmbedded)
  const isFullScreen = ref(false)

  const consent = ref(hasAgreed(place) ? 'granted' : (options.value.consent ?? 'auto'))
  const mayStart = computed(() => consent.value !== 'ask')
  const memory = memoryStore()
  // Until the visitor agrees, where the shop asks for it, everything stays in memory.
  const store = safeStore(() => (['ask', 'denied'].includes(consent.value) ? memory : localStorage))
  const choices = ref<Choices>(readChoices())

  const view = shallowRef<VisitorView | null>(null)
  const visitor = createVisitor({
    baseUrl: '',
    shop: place.shop,
    store,
    language: () => language.value,
    onChange: (next) => (view.value = next),
    onUserRefused: (fields) => {
      console.warn(`[FiidoKefu] setUser: not taken without a signature of the shop's server that fits: ${fields.join(', ')}`)
      bridge.tell({ kefu: 1, is: 'error', code: 'USER_REFUSED', fields })
    },
    locks: navigator.locks,
    channel: openChannel,
    window,
  })
  view.value = visitor.view

  const conversation = computed(() => view.value!.conversation)
  const messages = computed(() => conversation.value.messages)
  const hasMore = computed(() => conversation.value.hasMore)
  const turn = computed(() => view.value!.turn)
  const turnId = computed(() => {
    const { clientMessageId, messageId } = turn.value ?? {}
    return clientMessageId ? `${clientMessageId} ${messageId ?? ''}` : null
  })
  const outbox = computed(() => view.value!.outbox)
  const log = computed(() => logRows(messages.value, hasMore.value))
  const tail = computed(() => {
    const id = turnId.value?.split(' ')
    const open = id ? { clientMessageId: id[0]!, messageId: id[1] || null } : null
    return tailRows(messages.value, outbox.value, open)
  })
  const clock = ref(Date.now())
  const isTyping = computed(() => (conversation.value.typing?.until ?? 0) > clock.value)
  // Nothing says that somebody stopped typing; it runs out.
  watch(() => conversation.value.typing, (typing) => {
    clock.value = Date.now()
    if (typing) setTimeout(() => (clock.value = Date.now()), typing.until - Date.now() + 50)
  })
  const rating = useRating(conversation, store, `fiido-kefu:${place.shop}:skipped`)
  const read = useReadMark(conversation, store, `fiido-kefu:${place.shop}:read`)
  const draft = useDraft(store, `fiido-kefu:${place.shop}:draft`)
  const rows = computed<Row[]>(() => {
    const extra: Row[] = []
    if (can('rating') && rating.isShown.value) extra.push({ key: 'rating', kind: 'rating' })
    if (isTyping.value) extra.push({ key: 'typing', kind: 'typing' })
    return [...log.value, ...tail.value, ...extra]
  })

  const status = computed(() => conversation.value.status)
  const isEmpty = computed(() => messages.value.length === 0 && outbox.value.length === 0 && !turn.value)
  const speaker = computed(() => {
    if (status.value === 'manual_live') return 'live' as const
    if (isWaiting(status.value)) return 'waiting' as const
    return status.value === 'after_hours_email' ? ('away' as const) : ('ai' as const)
  })
  const texts = computed(() => {
    const all = config.value?.shop.texts ?? {}
    return { ...(all[language.value] ?? {}), ...given(options.value) }
  })
  const look = computed(() => config.value?.shop.look ?? {})
  const color = computed(() => options.value.color ?? look.value.color ?? DEFAULT_COLOR)
  const theme = computed<Theme>(() => choices.value.theme ?? options.value.theme ?? look.value.theme ?? 'auto')
  const languages = computed(() => (config.value?.shop.languages ?? []).filter(isLanguage))
  const maxChars = computed(() => config.value?.limits?.max_message_chars ?? 5000)
  /** What the server does not switch off is on. */
  const can = (feature: string): boolean => config.value?.features?.[feature] !== false
  const unread = computed(() =>
    isVisible.value ? 0 : messages.value.filter((one) => one.role !== 'user' && one.seq > read.seq.value).length,
  )

  function readChoices(): Choices {
    try {
      return JSON.parse(store.getItem('fiido-kefu:choices') ?? '{}') as Choices
    } catch {
      return {}
    }
  }
  function choose(change: Choices): void {
    choices.value = { ...choices.value, ...change }
    store.setItem('fiido-kefu:choices', JSON.stringify(choices.value))
  }

  async function load(): Promise<void> {
    const http = createHttp({
      baseUrl: '',
      fetch: (input, init) => fetch(input, init),
      headers: () => ({ 'Accept-Language': language.value }),
    })
    const query = `?shop=${encodeURIComponent(place.shop)}`
    const [shop, info] = await Promise.allSettled([
      http.call<{ data: WidgetConfig }>('GET', `/api/config${query}`),
      http.call<{ bot: BotInfo }>('GET', `/api/bot/info${query}`),
    ])
    if (shop.status === 'fulfilled') config.value = shop.value.data
    if (info.status === 'fulfilled') bot.value = info.value.bot
    isUnreachable.value = shop.status === 'rejected'
  }

  function markRead(): void {
    const newest = messages.value[messages.value.length - 1]?.seq ?? 0
    if (isVisible.value && read.set(newest)) visitor.read(newest)
  }

  /** What the page has the visitor say goes out when the visitor has agreed. */
  let early = ''
  function hear(message: ToWindow): void {
    if (message.do === 'options') {
      options.value = { ...options.value, ...message.options }
      const asked = message.options.consent
      // Who has a conversation here has agreed before.
      if (asked && consent.value !== 'granted') consent.value = asked === 'ask' && visitor.hasSession ? 'granted' : asked
    } else if (message.do === 'visible') {
      isVisible.value = message.visible
      isFullScreen.value = message.fullScreen
      if (message.visible) visitor.wake()
    } else if (message.do === 'sendMessage') {
      const text = message.text.trim().slice(0, maxChars.value)
      if (!mayStart.value) early = text
      else if (text) visitor.send(text)
    } else if (message.do === 'setUser') visitor.identify(message.user, message.signature)
    else if (message.do === 'logout') {
      visitor.forget()
      rating.forget()
      read.forget()
      draft.value = ''
    }
  }

  function decideConsent(agreed: boolean): void {
    consent.value = agreed ? 'granted' : 'denied'
    if (agreed && early) visitor.send(early)
    early = ''
  }

  return {
    place, bridge, options, config, bot, isUnreachable, language, isVisible, isFullScreen, consent, mayStart,
    choices, view, visitor, conversation, messages, turn, outbox, rows, status, isEmpty, speaker, texts,
    color, theme, languages, maxChars, unread, can, hear, choose, load, markRead, decideConsent,
    draft, skipRating: rating.skip,
    shopName: computed(() => texts.value.title ?? config.value?.shop.name ?? ''),
    isManual: computed(() => isManual(status.value)),
  }
})

/** Denied along with storage in some frames; then the tabs do not know of each other. */
function openChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name)
  } catch {
    return undefined
  }
}

/** Where consent is asked for, only who has given it has a conversation kept here. */
function hasAgreed({ shop, options }: Embedding): boolean {
  return options.consent === 'ask' && safeStore(() => localStorage).getItem(`fiido-kefu:${shop}`) !== null
}

function given(options: ChatOptions): ChatOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value != null))
}
