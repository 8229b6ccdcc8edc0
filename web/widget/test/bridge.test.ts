// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest'
import { createBridge, embedding } from '../src/state/bridge'

const HOST = 'https://shop.example'

function framed(): { self: Window; parent: { postMessage: ReturnType<typeof vi.fn> } } {
  const parent = { postMessage: vi.fn() }
  const self = new EventTarget() as unknown as Window & { parent: unknown }
  Object.defineProperty(self, 'parent', { value: parent })
  return { self, parent }
}

function message(self: Window, data: unknown, origin: string, source: unknown): void {
  const event = new Event('message')
  Object.assign(event, { data, origin, source })
  self.dispatchEvent(event)
}

describe('the bridge', () => {
  it('hears its own parent from the named origin and nobody else', () => {
    const { self, parent } = framed()
    const heard: unknown[] = []
    createBridge(HOST, self).listen((one) => heard.push(one))
    const order = { kefu: 1, do: 'logout' }
    message(self, order, 'https://evil.example', parent)
    message(self, order, HOST, { other: 'window' })
    message(self, order, `${HOST}.evil.example`, parent)
    message(self, { do: 'logout' }, HOST, parent)
    expect(heard).toEqual([])
    message(self, order, HOST, parent)
    expect(heard).toEqual([order])
  })

  it('speaks to the named origin only, never to any', () => {
    const { self, parent } = framed()
    createBridge(HOST, self).tell({ kefu: 1, is: 'ready' })
    expect(parent.postMessage).toHaveBeenCalledWith({ kefu: 1, is: 'ready' }, HOST)
  })

  it('without a proper host says nothing and hears nothing', () => {
    const { self, parent } = framed()
    const bridge = createBridge(null, self)
    bridge.tell({ kefu: 1, is: 'ready' })
    expect(parent.postMessage).not.toHaveBeenCalled()
  })

  it('reads the shop from the address', () => {
    expect(embedding('?shop=demo&language=de')).toMatchObject({ shop: 'demo', host: null, options: { language: 'de' } })
  })
})
