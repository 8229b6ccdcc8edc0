// @vitest-environment happy-dom
import type { VueWrapper } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { until } from '../../testing/wait'
import { backend, chatOf, open, write } from './opened'

const box = (chat: VueWrapper): HTMLTextAreaElement => chat.find('.composer textarea').element as HTMLTextAreaElement
const asked = (): unknown[] =>
  backend.requests.filter(({ path }) => path === '/api/chat/stream').map(({ body }) => body['message'])
const said = (chat: VueWrapper): string[] => chat.findAll('[aria-live] p').map((one) => one.text())

/** Waits for a person, who then takes over; gives back the session. */
async function served(chat: VueWrapper): Promise<ReturnType<typeof backend.session>> {
  await write(chat, 'I want a person')
  await until(() => backend.sessions.size === 1 && backend.streams.get(backend.session().name)?.size)
  backend.takeover(backend.session())
  await until(() => chat.find('h1').text() === 'Anna')
  return backend.session()
}

describe('who writes', () => {
  it('finds the unsent words again on the next page, and not those that were sent', async () => {
    let chat = await open()
    await chat.find('.composer textarea').setValue('Half a sen')
    chat.unmount()
    chat = await open()
    expect(box(chat).value).toBe('Half a sen')
    await write(chat, 'A whole sentence')
    chat.unmount()
    chat = await open()
    expect(box(chat).value).toBe('')
  })

  it('finds them again when the form that took their place is put away', async () => {
    backend.isInShift = false
    const chat = await open()
    await write(chat, 'I want a person')
    await until(() => chat.find('.away form').exists())
    chatOf().draft = 'And my frame'
    await chat.find('.away .btn.quiet').trigger('click')
    expect(box(chat).value).toBe('And my frame')
  })

  it('leaves nothing of them where nothing may be kept, or after a logout', async () => {
    let chat = await open('en', 'denied')
    await chat.find('.composer textarea').setValue('Secret')
    expect(localStorage.length).toBe(0)
    chat.unmount()
    chat = await open()
    await chat.find('.composer textarea').setValue('Secret')
    chatOf().hear({ kefu: 1, do: 'logout' })
    expect(localStorage.length).toBe(0)
    expect(chatOf().draft).toBe('')
  })

  it('sends once, however often the button is pressed', async () => {
    const chat = await open()
    await chat.find('.composer textarea').setValue('One line\n\nand another')
    const form = chat.find('.composer')
    await Promise.all([form.trigger('submit'), form.trigger('submit')])
    await until(() => chat.text().includes('You said: One line'))
    expect(asked()).toEqual(['One line\n\nand another'])
  })

  it('does not send with the Enter that ends an input method\'s word, as Safari reports it', async () => {
    const chat = await open('zh')
    await chat.find('.composer textarea').setValue('nihao')
    await chat.find('.composer textarea').trigger('keydown', { key: 'Enter', keyCode: 229 })
    await chat.find('.composer textarea').trigger('keydown', { key: 'Enter', keyCode: 13 })
    await until(() => asked().length > 0)
    expect(asked()).toEqual(['nihao'])
  })

  it('goes on with the keys where what was pressed is gone', async () => {
    window.matchMedia = vi.fn().mockReturnValue({ matches: true, addEventListener: () => undefined }) as never
    document.hasFocus = () => true
    const chat = await open()
    const question = chat.find('.welcome li button')
    ;(question.element as HTMLElement).focus()
    await question.trigger('click')
    await until(() => document.activeElement === box(chat))
  })
})

describe('what a page has the visitor say', () => {
  it('waits where consent is asked for, and goes out with it', async () => {
    const chat = await open('en', 'ask')
    chatOf().hear({ kefu: 1, do: 'sendMessage', text: ' Does it fit me? ' })
    expect(backend.sessions.size).toBe(0)
    const card = await until(() => chat.find('.consent').exists() && chat.find('.consent'))
    await card.find('.btn').trigger('click')
    await until(() => asked().length > 0)
    expect(asked()).toEqual(['Does it fit me?'])
  })
})

describe('what was read', () => {
  it('is not new on the next page; what comes after it is', async () => {
    let chat = await open()
    const session = await served(chat)
    backend.say(session, 'agent', 'Hello', { agent_name: 'Anna' })
    await until(() => chat.text().includes('Hello'))
    chat.unmount()
    chat = await open()
    chatOf().isVisible = false
    await until(() => chat.text().includes('Hello'))
    expect(chatOf().unread).toBe(0)
    await until(() => backend.streams.get(session.name)?.size)
    backend.say(session, 'agent', 'Still there?', { agent_name: 'Anna' })
    await until(() => chatOf().unread === 1)
  })
})

describe('a screen reader', () => {
  it('hears each message once, whole, and nothing of an earlier page again', async () => {
    let chat = await open()
    const heard: string[] = []
    const listen = (): MutationObserver => {
      const ear = new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes) if (node.textContent) heard.push(node.textContent)
      })
      ear.observe(chat.find('[aria-live]').element, { childList: true })
      return ear
    }
    listen()
    const session = await served(chat)
    for (const text of ['Hello', 'ok', 'ok']) backend.say(session, 'agent', text, { agent_name: 'Anna' })
    await until(() => heard.filter((one) => one === 'Anna: ok').length === 2)
    expect(heard.filter((one) => one === 'Anna: Hello')).toHaveLength(1)
    expect(heard.filter((one) => one.includes('is with you now'))).toHaveLength(1)
    chat.unmount()
    heard.length = 0
    chat = await open()
    listen()
    await until(() => chat.text().includes('Hello'))
    await until(() => backend.streams.get(session.name)?.size)
    backend.say(session, 'agent', 'New', { agent_name: 'Anna' })
    await until(() => heard.length > 0)
    expect(heard).toEqual(['Anna: New'])
    expect(said(chat)).toEqual(['Anna: New'])
  })
})

describe('another language', () => {
  it('changes what the system said before, on the screen and in the copied transcript', async () => {
    let copied = ''
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: (text: string) => Promise.resolve((copied = text)) } })
    const chat = await open()
    const session = await served(chat)
    backend.say(session, 'agent', 'Hello', { agent_name: 'Anna', timestamp: 1_790_000_000 })
    await until(() => chat.text().includes('Anna is with you now.'))
    chatOf().choose({ language: 'de' })
    await until(() => chat.find('.notice.strong').text().includes('Anna ist jetzt'))
    await chat.find('header .tool').trigger('click')
    const button = await until(() => chat.findAll('.sheet button.line')[0])
    await button.trigger('click')
    await until(() => copied !== '')
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
    const time = new Intl.DateTimeFormat('de', { dateStyle: 'short', timeStyle: 'short' }).format(1_790_000_000_000)
    expect(copied.startsWith(`Halden · ${zone}\n\n`)).toBe(true)
    expect(copied).toContain('Anna ist jetzt')
    expect(copied).toContain(`[${time}] Anna:\nHello`)
    expect(copied).toContain('Sie:\nI want a person')
  })
})

describe('what the shop says of its customer', () => {
  it('is taken as far as it counts, and the page is told what does not', async () => {
    backend.notTaken = ['email', 'vip']
    const warned = vi.spyOn(console, 'warn').mockReturnValue()
    await open()
    const told = vi.spyOn(chatOf().bridge, 'tell')
    chatOf().visitor.send('Hello')
    chatOf().hear({ kefu: 1, do: 'setUser', user: { nickname: 'Jo', email: 'jo@example.com', vip: true }, signature: 'wrong' })
    await until(() => told.mock.calls.some(([message]) => message.is === 'error'))
    expect(told).toHaveBeenCalledWith({ kefu: 1, is: 'error', code: 'USER_REFUSED', fields: ['email', 'vip'] })
    expect(warned.mock.calls.join()).toContain('email, vip')
    warned.mockRestore()
  })
})
