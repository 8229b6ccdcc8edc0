-- Reserves one attempt to log in, or says how long to wait. Sliding logs, so never one too many.
-- A stranger is limited per (account, address), per address, and slowed on an account that many
-- addresses fail on; a device that logged in before answers for itself only, so that nobody can
-- lock an owner out of it.
-- KEYS  1 attempts of account and address   2 of address   3 of account   4 devices zset
--       5 attempts of account and device
-- ARGV  1 now   2 attempt id   3 hash of the device id or ''   4 window in seconds
--       5 limit of a pair   6 limit of an address   7 attempts on an account before it is slow
--       8 seconds between attempts on a slow account
-- Returns the seconds to wait as a string, '0' where the attempt may go on. The attempt counts
-- as failed until it is forgiven (its id removed). The same id again answers '0'.
local now, attempt, device = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local window, pair = tonumber(ARGV[4]), tonumber(ARGV[5])
local address_limit, slow_from, slow = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local function score(key, rank)
  return tonumber(redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')[2])
end

local function wait(key, limit)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.3f', now - window))
  local count = redis.call('ZCARD', key)
  if count < limit then return 0 end
  return score(key, count - limit) + window - now
end

local known = device ~= '' and redis.call('ZSCORE', KEYS[4], device)
local mine = known and {KEYS[5]} or {KEYS[1], KEYS[2], KEYS[3]}
if redis.call('ZSCORE', mine[1], attempt) then return '0' end
local seconds
if known then
  seconds = wait(KEYS[5], pair)
else
  seconds = math.max(wait(KEYS[1], pair), wait(KEYS[2], address_limit))
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.3f', now - window))
  if redis.call('ZCARD', KEYS[3]) >= slow_from then
    seconds = math.max(seconds, score(KEYS[3], -1) + slow - now)
  end
end
if seconds > 0 then return string.format('%.3f', seconds) end
for _, key in ipairs(mine) do
  redis.call('ZADD', key, string.format('%.3f', now), attempt)
  redis.call('PEXPIRE', key, string.format('%d', window * 1000 + 1000))
end
return '0'
