/** The shop's texts, in the two languages of the demo. */

const en = {
  nav: { bikes: 'Bikes', range: 'Range', service: 'Service', embed: 'For shop owners', options: 'Every option' },
  hero: {
    title: 'Ride further than you planned.',
    text: 'Quiet motors, batteries you can carry upstairs, and frames built for ten years of weather.',
    see: 'See the bikes',
    ask: 'Ask which one fits you',
    question: 'Which bike fits me? I ride about 20 km a day, partly uphill.',
  },
  bikes: {
    title: 'Four bikes. No wrong one.',
    text: 'Each has the same motor and the same service. Choose by the way you live.',
    ask: 'Ask about it',
    question: 'What should I know about the {name}?',
    from: 'from',
    range: 'range',
    weight: 'weight',
  },
  models: [
    { id: 'tour', name: 'Tour 2', line: 'For long ways and bad weather', range: '140 km', weight: '22.8 kg', price: '€2,890' },
    { id: 'city', name: 'City', line: 'Step in, sit up, ride', range: '95 km', weight: '21.4 kg', price: '€2,190' },
    { id: 'cargo', name: 'Cargo', line: 'Two children or eight bags', range: '110 km', weight: '34.0 kg', price: '€4,290' },
    { id: 'fold', name: 'Fold', line: 'Under the desk by nine', range: '60 km', weight: '16.9 kg', price: '€1,790' },
  ],
  range: {
    title: 'How far will you get?',
    text: 'Measured with a rider of 75 kg at 15 °C, not in a laboratory.',
    assist: 'Support',
    levels: ['Eco', 'Tour', 'Boost'],
    hills: 'Hills',
    grounds: ['Flat', 'Rolling', 'Steep'],
    cold: 'Below 5 °C',
    result: 'on one charge with the Tour 2',
    ask: 'Ask about your own way',
    question: 'Is the Tour 2 enough for my way? Support: {assist}, hills: {hills}.',
  },
  service: {
    title: 'After the sale is when we start.',
    items: [
      { title: 'Delivered ready to ride', text: 'Built, tuned and charged. Five working days in the EU.' },
      { title: 'Thirty days to change your mind', text: 'We pick it up. Ridden is fine.' },
      { title: 'Help in your language', text: 'The assistant answers at once. A person takes over when you ask for one.' },
    ],
    talk: 'Talk to us',
  },
  embed: {
    title: 'This chat can stand in your shop.',
    text: 'Halden does not exist. The chat on this page does: it answers with AI, hands over to your people, and keeps every message. One line puts it on any page.',
    copy: 'Copy',
    copied: 'Copied',
    more: 'Try every option',
    facts: ['{size} KB before a visitor clicks', 'No cookie, no request, no layout shift until then', 'Works in React, Shopify, WordPress or plain HTML'],
  },
  options: {
    title: 'Every option, live',
    text: 'Change anything and watch the chat on this page. The code beside it is what you would paste.',
    look: 'Look', color: 'Colour', theme: 'Appearance', auto: 'Automatic', light: 'Light', dark: 'Dark',
    position: 'Side', right: 'Right', left: 'Left', x: 'From the side', y: 'From the bottom', label: 'Words on the button', layer: 'Layer (z-index)', logo: 'Address of a logo', launcher: 'Show the button',
    words: 'Words', language: 'Language', browser: "Visitor's own", name: 'Title', subtitle: 'Line below it', welcome: 'Greeting', placeholder: 'Placeholder', suggestions: 'Suggested questions, one a line',
    manners: 'Manners', sound: 'Sound at the start', consent: 'Consent', consentAuto: 'Opening the chat is enough', consentAsk: 'Ask first', privacy: 'Address of the privacy page', consentDenied: 'Keep nothing',
    commands: 'Commands', events: 'Events', none: 'Nothing has happened yet. Open the chat.', code: 'Your code', send: 'sendMessage', greeting: 'Hello from the page',
  },
  foot: 'Halden is an invented shop. Bikes, prices and people are made up; the customer service is Fiido Kefu.',
}

type Words = typeof en

const zh: Words = {
  nav: { bikes: '车型', range: '续航', service: '服务', embed: '给店主', options: '全部选项' },
  hero: {
    title: '总能比计划骑得更远。',
    text: '安静的电机，拎得上楼的电池，经得起十年风雨的车架。',
    see: '看看车型',
    ask: '问问哪款适合您',
    question: '哪款适合我？我每天骑大约 20 公里，有一段上坡。',
  },
  bikes: {
    title: '四款车，没有选错这回事。',
    text: '同样的电机，同样的服务。按您的生活来选。',
    ask: '咨询这款',
    question: '请介绍一下 {name}。',
    from: '起价',
    range: '续航',
    weight: '车重',
  },
  models: [
    { id: 'tour', name: 'Tour 2', line: '为长路和坏天气而生', range: '140 公里', weight: '22.8 公斤', price: '¥22,900' },
    { id: 'city', name: 'City', line: '跨上去，坐直，出发', range: '95 公里', weight: '21.4 公斤', price: '¥16,900' },
    { id: 'cargo', name: 'Cargo', line: '两个孩子或八个购物袋', range: '110 公里', weight: '34.0 公斤', price: '¥33,900' },
    { id: 'fold', name: 'Fold', line: '九点前收进办公桌下', range: '60 公里', weight: '16.9 公斤', price: '¥13,900' },
  ],
  range: {
    title: '您能骑多远？',
    text: '75 公斤骑手、15 °C 实测，不是实验室数据。',
    assist: '助力',
    levels: ['节能', '旅行', '强劲'],
    hills: '坡度',
    grounds: ['平路', '起伏', '陡坡'],
    cold: '低于 5 °C',
    result: 'Tour 2 一次充电',
    ask: '问问您自己的路线',
    question: 'Tour 2 够我的路线用吗？助力：{assist}，坡度：{hills}。',
  },
  service: {
    title: '卖出之后，服务才开始。',
    items: [
      { title: '到手即骑', text: '装好、调好、充好电，五个工作日送达。' },
      { title: '三十天内可退', text: '骑过也可以，我们上门取车。' },
      { title: '说您的语言', text: '智能助手即时回答，需要时转接人工。' },
    ],
    talk: '联系我们',
  },
  embed: {
    title: '这个客服也可以装进您的店。',
    text: 'Halden 并不存在，但这页上的客服是真的：AI 即时回答，随时转给您的同事，消息一条不丢。任何页面只需一行代码。',
    copy: '复制',
    copied: '已复制',
    more: '试试全部选项',
    facts: ['访客点击之前只有 {size} KB', '点击之前没有 Cookie、请求和布局抖动', '适用于 React、Shopify、WordPress 和普通网页'],
  },
  options: {
    title: '全部选项，实时预览',
    text: '改动任意一项，本页的客服随之变化。旁边就是要粘贴的代码。',
    look: '外观', color: '颜色', theme: '明暗', auto: '自动', light: '浅色', dark: '深色',
    position: '位置', right: '右侧', left: '左侧', x: '侧边距离', y: '底部距离', label: '按钮文字', layer: '层级（z-index）', logo: '徽标地址', launcher: '显示按钮',
    words: '文字', language: '语言', browser: '跟随访客', name: '标题', subtitle: '副标题', welcome: '欢迎语', placeholder: '输入提示', suggestions: '推荐问题，每行一条',
    manners: '习惯', sound: '默认开启提示音', consent: '同意', consentAuto: '打开即视为同意', consentAsk: '先询问', privacy: '隐私政策地址', consentDenied: '不保存',
    commands: '命令', events: '事件', none: '还没有事件，打开客服试试。', code: '您的代码', send: 'sendMessage', greeting: '来自页面的问候',
  },
  foot: 'Halden 是虚构的商店，车型、价格和人物均为虚构；客服系统是 Fiido Kefu。',
}

export const WORDS = { en, zh }
export type ShopLanguage = keyof typeof WORDS
