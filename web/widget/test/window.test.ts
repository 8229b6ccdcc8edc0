// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest'
import { until } from '../../testing/wait'
import { backend, open, write } from './opened'

describe('the chat window', () => {
  it('greets in the language asked for and offers questions and a person', async () => {
    const chat = await open('zh')
    expect(chat.find('h2').text()).toBe('您好，有什么可以帮您？')
    expect(chat.findAll('.welcome li')).toHaveLength(3)
    expect(chat.text()).toContain('转人工')
    await until(() => backend.requests.length >= 2)
    expect(backend.requests.map((request) => request.path).sort()).toEqual(['/api/bot/info', '/api/config'])
  })

  it('sends what is written and leaves the box empty; an empty one can not be sent', async () => {
    const chat = await open()
    expect(chat.find('.go').attributes('disabled')).toBeDefined()
    await write(chat, '  How far?  ')
    expect((chat.find('.composer textarea').element as HTMLTextAreaElement).value).toBe('')
    await until(() => backend.sessions.size === 1)
    expect(backend.requests.find((request) => request.path === '/api/chat/stream')?.body['message']).toBe('How far?')
  })

  it('does not send while an input method is composing', async () => {
    const chat = await open('zh')
    const box = chat.find('.composer textarea')
    await box.setValue('nihao')
    await box.trigger('keydown', { key: 'Enter', isComposing: true })
    expect(backend.sessions.size).toBe(0)
    await box.trigger('keydown', { key: 'Enter', shiftKey: true })
    expect(backend.sessions.size).toBe(0)
  })

  it('says by how much a text is too long and refuses to send it', async () => {
    const chat = await open()
    await chat.find('.composer textarea').setValue('x'.repeat(5003))
    expect(chat.find('.count').text()).toContain('3')
    await chat.find('.composer').trigger('submit')
    expect(backend.sessions.size).toBe(0)
  })

  it('shows who speaks, the place in the queue, and the way back', async () => {
    const chat = await open()
    await write(chat, 'I want a person')
    await until(() => chat.find('section.waiting').exists())
    const session = backend.session()
    await until(() => backend.streams.get(session.name)?.size)
    backend.push(session, { type: 'queue_position', position: 2, waiting: 4, estimated_seconds: 100 } as never)
    await until(() => chat.text().includes('You are number 2 · about 2 min'))
    backend.takeover(session)
    await until(() => chat.find('h1').text() === 'Anna')
    expect(chat.text()).toContain('You are talking to a person')
    expect(chat.find('section.waiting').exists()).toBe(false)
  })

  it('asks for a rating once and thanks for it', async () => {
    const chat = await open()
    await write(chat, 'I want a person')
    await until(() => backend.sessions.size === 1 && backend.streams.get(backend.session().name)?.size)
    backend.takeover(backend.session())
    backend.release(backend.session())
    await until(() => chat.findAll('.stars input').length === 5)
    await chat.findAll('.stars input')[3]!.setValue(true)
    await chat.find('.card').find('form').trigger('submit')
    await until(() => chat.find('.thanks').exists())
    expect(backend.requests.find((request) => request.path.endsWith('/rating'))?.body).toEqual({ score: 4 })
  })

  it('asks again on a page loaded anew, until it was answered, and thanks only once', async () => {
    let chat = await open()
    await write(chat, 'I want a person')
    await until(() => backend.sessions.size === 1 && backend.streams.get(backend.session().name)?.size)
    backend.takeover(backend.session())
    backend.release(backend.session())
    await until(() => chat.findAll('.stars input').length === 5)

    chat.unmount()
    chat = await open()
    await until(() => chat.findAll('.stars input').length === 5)
    await chat.findAll('.stars input')[4]!.setValue(true)
    await chat.find('.card').find('form').trigger('submit')
    await until(() => chat.find('.thanks').exists())

    chat.unmount()
    chat = await open()
    await until(() => chat.find('[role=article]').exists())
    expect(chat.find('.card').exists()).toBe(false)
  })

  it('does not come back to who put the card away, until another person has served', async () => {
    let chat = await open()
    await write(chat, 'I want a person')
    await until(() => backend.sessions.size === 1 && backend.streams.get(backend.session().name)?.size)
    backend.takeover(backend.session())
    backend.release(backend.session())
    await until(() => chat.find('.card').exists())
    await chat.find('.card .quiet').trigger('click')
    expect(chat.find('.card').exists()).toBe(false)

    chat.unmount()
    chat = await open()
    await until(() => chat.find('[role=article]').exists())
    expect(chat.find('.card').exists()).toBe(false)

    backend.takeover(backend.session(), 'Ben')
    backend.release(backend.session())
    await until(() => chat.find('.card').exists())
    chat.unmount()
    chat = await open()
    await until(() => chat.find('.card').exists())
  })

  it('keeps nothing of a card put away where nothing may be kept', async () => {
    const chat = await open('en', 'denied')
    await write(chat, 'I want a person')
    await until(() => backend.sessions.size === 1 && backend.streams.get(backend.session().name)?.size)
    backend.takeover(backend.session())
    backend.release(backend.session())
    await until(() => chat.find('.card').exists())
    await chat.find('.card .quiet').trigger('click')
    expect(chat.find('.card').exists()).toBe(false)
    expect(localStorage.length).toBe(0)
  })

  it('out of hours takes a question, an address and a permission, and nothing less', async () => {
    backend.isInShift = false
    const chat = await open()
    await write(chat, 'I want a person')
    const form = await until(() => chat.find('.away form').exists() && chat.find('.away form'))
    await form.trigger('submit')
    expect(form.findAll('[role=alert]').length).toBeGreaterThanOrEqual(2)
    expect(backend.requests.some((request) => request.path === '/api/manual/escalate')).toBe(false)
    await form.find('textarea').setValue('My display stays dark')
    await form.find('input[type=email]').setValue('rider@example.com')
    await form.find('input[type=checkbox]').setValue(true)
    await form.trigger('submit')
    await until(() => chat.text().includes('rider@example.com'))
    expect(backend.requests.find((request) => request.path === '/api/manual/escalate')?.body).toMatchObject({
      message: 'My display stays dark',
      email: 'rider@example.com',
    })
  })

  it('keeps everything in memory where consent is still to be given', async () => {
    let chat = await open('en', 'ask')
    const card = await until(() => chat.find('.consent').exists() && chat.find('.consent'))
    expect(chat.find('.composer').exists()).toBe(false)
    expect(localStorage.length).toBe(0)
    await card.find('.btn').trigger('click')
    expect(chat.find('.composer').exists()).toBe(true)
    await write(chat, 'Agreed')
    await until(() => localStorage.getItem('fiido-kefu:demo'))

    chat.unmount()
    chat = await open('en', 'ask')
    await until(() => chat.text().includes('Agreed'))
    expect(chat.find('.consent').exists()).toBe(false)
  })
})
