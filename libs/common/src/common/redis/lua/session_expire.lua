-- session_expire: removes an idle session with its log, ids, trail, timers and index entries, and
-- says so on the bus, in one step. A session that moved since it was read is left alone.
--
-- KEYS 1 session   2 log   3 ids   4 trail   5 bus   6 status zset   7 zset of all sessions
--      8 due   9 presence
-- ARGV 1 name   2 version read   3 now   4 event id   5 sid   6 data of session.expired
--      7… the session's timers
-- Answers 1 when removed, 0 when it had changed or gone
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[2] then return 0 end
redis.call('XADD', KEYS[5], '*', 'id', ARGV[4], 'type', 'session.expired',
  'source', 'session-state', 'subject', ARGV[1], 'time', ARGV[3], 'version', '1',
  'data', ARGV[6], 'sid8', string.sub(ARGV[5], 1, 8))
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
redis.call('ZREM', KEYS[9], ARGV[1])
redis.call('ZREM', KEYS[8], unpack(ARGV, 7))
return 1
