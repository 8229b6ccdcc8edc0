-- session_seen: visitors that are present now. Only sessions that are known to be there move, so
-- that a late report about an expired one leaves no ghost.
--
-- KEYS 1 presence
-- ARGV instant, name, instant, name, …
redis.call('ZADD', KEYS[1], 'XX', unpack(ARGV))
return 1
