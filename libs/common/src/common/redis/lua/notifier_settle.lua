-- Writes down how an attempt went, and says so on the bus in the same step.
-- KEYS  1 letter hash   2 letters-due zset   3 bus stream
-- ARGV  1 message id   2 now   3 claim id   4 outcome: sent, failed, retry
--       5 time of the next attempt (retry)   6 error, or ''   7… the event's fields (sent, failed)
-- Returns 1 where it was written, 0 where the letter is settled or somebody else's by now.
-- `sent` counts whoever has the letter: it is out. Twice is once.
local state, claim = unpack(redis.call('HMGET', KEYS[1], 'state', 'claim'))
local outcome = ARGV[4]
if not state or state == 'sent' then return 0 end
if outcome ~= 'sent' and (state ~= 'sending' or claim ~= ARGV[3]) then return 0 end
if outcome == 'retry' then
  redis.call('HSET', KEYS[1], 'state', 'waiting', 'error', ARGV[6])
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
  return 1
end
redis.call('HSET', KEYS[1], 'state', outcome, 'settled_at', ARGV[2], 'error', ARGV[6])
if outcome == 'sent' then redis.call('HDEL', KEYS[1], 'request') end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], '*', unpack(ARGV, 7))
return 1
