-- Admit one call: spend every sliding window it falls under and, where one is asked for, an
-- in-flight lease. All or nothing: everything is checked before anything is spent.
--
-- KEYS[1..n]   windows: zset, member = call id, score = instant in ms
-- KEYS[n+1]    leases (only with ARGV for one): zset, member = call id, score = end in ms
-- ARGV[1]      call id; the same id again is admitted once and answers the same
-- ARGV[2]      n
-- ARGV[3..]    n times: limit, window in ms
-- then         lease limit, lease in ms (both missing without a lease)
-- returns      { verdict, number, limit, remaining, reset in ms }
--   verdict     1 admitted, number: the window nearest to its end
--               0 window `number` is full, a place frees in `reset`
--              -1 no lease is free

local id, n = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local leases, lease_limit, lease_ms = KEYS[n + 1], tonumber(ARGV[3 + 2 * n]), tonumber(ARGV[4 + 2 * n])

local tight, tight_limit, tight_left, tight_reset = 0, 0, math.huge, 0
local fresh = {}
for i = 1, n do
  local key, limit, window = KEYS[i], tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local used = redis.call('ZCARD', key)
  fresh[i] = not redis.call('ZSCORE', key, id)
  local reset = window
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if first then
    reset = math.max(1, tonumber(first) + window - now)
  end
  if fresh[i] then
    if used >= limit then
      return { 0, i, limit, 0, reset }
    end
    used = used + 1
  end
  if limit - used < tight_left then
    tight, tight_limit, tight_left, tight_reset = i, limit, limit - used, reset
  end
end

if leases then
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
  if redis.call('ZCARD', leases) >= lease_limit and not redis.call('ZSCORE', leases, id) then
    return { -1, 0, lease_limit, 0, lease_ms }
  end
end

for i = 1, n do
  if fresh[i] then
    redis.call('ZADD', KEYS[i], now, id)
    redis.call('PEXPIRE', KEYS[i], ARGV[2 + 2 * i])
  end
end
if leases then
  redis.call('ZADD', leases, now + lease_ms, id)
  redis.call('PEXPIRE', leases, lease_ms * 2)
end
if n == 0 then
  return { 1, 0, 0, 0, 0 }
end
return { 1, tight, tight_limit, tight_left, tight_reset }
