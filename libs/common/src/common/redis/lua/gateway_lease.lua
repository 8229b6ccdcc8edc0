-- Lease a place among a visitor's events streams; where all are taken the oldest gives way.
--
-- KEYS[1]   zset, member = `<opened in ms, 15 digits>:<stream id>`, score = end of the lease in ms
-- ARGV[1]   stream id; the same id again answers the lease it has
-- ARGV[2]   places
-- ARGV[3]   lease in ms
-- returns   { member, stream id of each that gave way… }

local id, places, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local held = redis.call('ZRANGE', KEYS[1], 0, -1)
-- renewals change the scores, so age is told by the member
table.sort(held)

local mine = string.format('%015d:%s', now, id)
local others = {}
for _, member in ipairs(held) do
  if string.sub(member, 17) == id then
    mine = member
  else
    others[#others + 1] = member
  end
end

local reply = { mine }
for i = 1, #others - places + 1 do
  redis.call('ZREM', KEYS[1], others[i])
  reply[#reply + 1] = string.sub(others[i], 17)
end
redis.call('ZADD', KEYS[1], now + lease, mine)
redis.call('PEXPIRE', KEYS[1], lease * 2)
return reply
