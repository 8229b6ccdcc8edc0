-- Spends a refresh token: one successor each, however many present it at once.
-- KEYS  1 account hash   2 the agent's families zset   3 family hash   4 bus stream
-- ARGV  1 now   2 family id   3 hash of the token presented   4 its generation
--       5 hash of its successor   6 grace in seconds   7 lifetime in seconds
--       8 events of a theft as JSON [[k, v, …], …]; `"not_before":0.0` is stamped
-- Returns {status, tick, k, v, … of the account}:
--   ROTATED  the first to present the newest token: its successor is the newest now
--   AGAIN    it was spent within the grace: the same successor is the answer
--   REUSED   it was spent before: the family is dead, and the bus says so
--   UNKNOWN  the family ended or expired, or the account is gone
-- Call only with a token whose MAC holds: a made-up one must not end anybody's login.
-- A retry of a call that was applied answers AGAIN, which is the same successor.
local account, families, family, bus = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, id, presented, generation = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local successor, grace, ttl = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])

local ends = redis.call('ZSCORE', families, id)
local stored = redis.call('HMGET', family, 'generation', 'hash', 'previous', 'rotated_at')
local who = redis.call('HMGET', account, 'active', 'tick')
if not ends or tonumber(ends) <= now or not stored[1] or who[1] ~= '1' then
  return {'UNKNOWN', '0'}
end
local tick = string.format('%.6f', math.max(now, (tonumber(who[2]) or 0) + 0.000001))

local status
if stored[2] == presented then
  status = 'ROTATED'
  redis.call('HSET', family, 'generation', string.format('%d', generation + 1),
    'hash', successor, 'previous', presented, 'rotated_at', string.format('%.3f', now))
  redis.call('EXPIRE', family, ttl)
  redis.call('ZADD', families, string.format('%.3f', now + ttl), id)
elseif stored[3] == presented and now - tonumber(stored[4]) <= grace then
  status = 'AGAIN'
else
  redis.call('ZREM', families, id)
  redis.call('DEL', family)
  redis.call('HSET', account, 'tick', tick)
  for _, event in ipairs(cjson.decode(ARGV[8])) do
    for at = 1, #event, 2 do
      if event[at] == 'data' then
        event[at + 1] = string.gsub(event[at + 1], '"not_before":0%.0', '"not_before":' .. tick, 1)
      end
    end
    redis.call('XADD', bus, '*', unpack(event))
  end
  return {'REUSED', tick}
end
redis.call('HSET', account, 'tick', tick)
local answer = {status, tick}
for _, part in ipairs(redis.call('HGETALL', account)) do answer[#answer + 1] = part end
return answer
