-- Heartbeats of agents that are not offline.
-- KEYS  1 agent-seen zset
-- ARGV  1 now   2… agent ids
-- Returns the ids that are not in the set: offline ones, and ids nobody has.
local absent = {}
for at = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[at]) then
    redis.call('ZADD', KEYS[1], 'XX', 'GT', ARGV[1], ARGV[at])
  else
    absent[#absent + 1] = ARGV[at]
  end
end
return absent
