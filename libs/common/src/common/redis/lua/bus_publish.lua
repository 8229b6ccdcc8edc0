-- Appends an event to the bus, once however often it is asked.
-- KEYS[1] the bus
-- KEYS[2] published(event id): the entry's id, where the event is on the bus already
-- ARGV[1] seconds to remember the event id
-- ARGV[2…] field, value, … of the entry
-- Returns the entry's id.
local known = redis.call('GET', KEYS[2])
if known then return known end
local entry = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], entry, 'EX', ARGV[1])
return entry
