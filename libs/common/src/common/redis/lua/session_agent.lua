-- session_agent: keeps the newest card of an agent in the read model and arms or disarms the timer
-- that gives an absent agent's sessions back to the queue. Older news than known changes nothing.
--
-- KEYS 1 agents   2 due
-- ARGV 1 agent id   2 card JSON, '' when the account is gone   3 instant of the news
--      4 timer's member   5 instant of the timer, '' for none
-- Answers 1 when applied, 0 when it was older than what is known
local stamp = ARGV[1] .. ':at'
local known = redis.call('HGET', KEYS[1], stamp)
if known and tonumber(known) > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], stamp, ARGV[3])
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
if ARGV[5] == '' then
  redis.call('ZREM', KEYS[2], ARGV[4])
else
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
end
return 1
