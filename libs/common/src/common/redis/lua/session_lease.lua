-- session_lease: a running turn says that it is alive. The lease is a timer, not part of the state,
-- so renewing it is no commit.
--
-- KEYS 1 session   2 due
-- ARGV 1 turn id   2 timer's member   3 lease end
-- Answers 1 when renewed, 0 when the session's open turn is another one or none
if redis.call('HGET', KEYS[1], 'turn') ~= ARGV[1] then return 0 end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
return 1
