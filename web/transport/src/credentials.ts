/** The visitor's session and token, kept in storage once the visitor has acted, else in memory. */

export interface Credentials {
  sessionName: string
  token: string
}

/** The part of Web Storage that is used; `null` where it throws or is not wanted. */
export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export function memoryStore(): Store {
  const values = new Map<string, string>()
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  }
}

/** A store that never throws: blocked, full and private-mode storage fall back to memory. */
export function safeStore(open: () => Store): Store {
  const memory = memoryStore()
  const attempt = <T>(act: (store: Store) => T, fallback: T): T => {
    try {
      return act(open())
    } catch {
      return fallback
    }
  }
  return {
    getItem: (key) => attempt((store) => store.getItem(key), null) ?? memory.getItem(key),
    setItem: (key, value) => {
      memory.setItem(key, value)
      attempt((store) => store.setItem(key, value), undefined)
    },
    removeItem: (key) => {
      memory.removeItem(key)
      attempt((store) => store.removeItem(key), undefined)
    },
  }
}

export function readJson<T>(store: Store, key: string, isValid: (value: unknown) => value is T): T | null {
  try {
    const value: unknown = JSON.parse(store.getItem(key) ?? 'null')
    return isValid(value) ? value : null
  } catch {
    return null
  }
}

const SESSION_NAME = /^[A-Za-z0-9_-]{1,128}$/

export function isCredentials(value: unknown): value is Credentials {
  const { sessionName, token } = (value ?? {}) as Record<string, unknown>
  return typeof sessionName === 'string' && SESSION_NAME.test(sessionName) && typeof token === 'string'
}
