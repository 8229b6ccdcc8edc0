-- Enters a letter into the ledger: one letter per Message-ID, however often it is asked for.
-- KEYS  1 letter hash   2 letters-due zset
-- ARGV  1 message id   2 now   3 the request as JSON   4 seconds the ledger remembers
-- Returns 1 where the letter is new, 0 where it was entered before.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'state', 'waiting', 'request', ARGV[3], 'attempts', '0',
  'accepted_at', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 1
