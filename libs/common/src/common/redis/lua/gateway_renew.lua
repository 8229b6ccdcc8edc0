-- Renew many leases at once. One that is gone (a frozen or restored server let it run out) is
-- taken again while a place is free; one whose place others have is lost.
--
-- KEYS      for each lease its zset (the same key may come twice)
-- ARGV[1]   lease in ms
-- ARGV[2]   places in each zset
-- ARGV[3..] for each lease its member
-- returns   the numbers of the lost ones, from 1

local lease, places = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local lost = {}
for i, key in ipairs(KEYS) do
  local member = ARGV[2 + i]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZSCORE', key, member) or redis.call('ZCARD', key) < places then
    redis.call('ZADD', key, now + lease, member)
    redis.call('PEXPIRE', key, lease * 2)
  else
    lost[#lost + 1] = i
  end
end
return lost
