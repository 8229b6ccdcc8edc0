/** What crosses the wire and how a client folds it into what it shows; no I/O in here. */
export * from './wire'
export * from './codes'
export * from './state'
export * from './reduce'
export * from './turn'
export * from './embed'
