/** Everything that moves bytes: requests, streams, the leader tab, the outbox. No framework. */
export * from './backoff'
export * from './credentials'
export * from './event-stream'
export * from './http'
export * from './leader'
export * from './outbox'
export * from './sse'
export * from './visitor'
