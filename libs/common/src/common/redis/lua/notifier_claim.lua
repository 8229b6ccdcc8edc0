-- Claims a due letter for one sender, until its lease ends: then it is due again.
-- KEYS  1 letter hash   2 letters-due zset
-- ARGV  1 message id   2 now   3 claim id   4 end of the lease
-- Returns {request, attempts} with this attempt counted, or nil where it is not due, or done.
-- The same claim again answers the same.
local stored = redis.call('HMGET', KEYS[1], 'state', 'claim', 'request', 'attempts')
if stored[2] == ARGV[3] and stored[1] == 'sending' then return {stored[3], stored[4]} end
local due = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not due or tonumber(due) > tonumber(ARGV[2]) then return nil end
if not stored[1] or stored[1] == 'sent' or stored[1] == 'failed' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return nil
end
local attempts = redis.call('HINCRBY', KEYS[1], 'attempts', 1)
redis.call('HSET', KEYS[1], 'state', 'sending', 'claim', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
return {stored[3], string.format('%d', attempts)}
