-- session_rearm: puts off or away a timer that came and changed nothing, unless a commit has set
-- it anew since it was read.
--
-- KEYS 1 due
-- ARGV 1 member   2 instant it was read with   3 instant to come again, '' for never
-- Answers 1 when it did, 0 when the timer is not as read
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return 1
