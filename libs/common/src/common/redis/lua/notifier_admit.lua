-- Lets a letter to a stranger's address pass, or says that the address got enough: whoever names
-- an address need not own it. A sliding log, so never one too many.
-- KEYS  1 zset of the letters to the address
-- ARGV  1 message id   2 now   3 window in seconds   4 limit
-- Returns 1 where it may go; the same letter again passes without counting twice.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.3f', ARGV[2] - ARGV[3]))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], string.format('%d', ARGV[3] * 1000))
return 1
