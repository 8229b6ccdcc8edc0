-- session_commit: the only writer of a session. State, log, bus, indexes and timers move together
-- or not at all: every check stands before the first write, and the first write is one that Redis
-- refuses when it is full (unless the text is loaded with allow-oom).
--
-- KEYS 1 session   2 log   3 ids   4 trail   5 bus   6 status zset before   7 status zset after
--      8 zset of all sessions   9 due   10 presence   11 counters of the day
--      12 load set of the agent who loses it   13 load set of the agent who gains it
-- ARGV 1 commit id   2 version read, '0' when the session must not exist   3 version after
--      4 epoch read   5 epoch after   6 name   7 sid   8 status after   9 score in its zset
--      10 now   11 state JSON   12 open turn's id or ''   13 max_sessions of who gains it or ''
--      14 '1' when an agent loses it   15 '1' when the visitor acted   16 result to remember
--      17 traceparent or ''   18 summary JSON
--      19 log entries   20 bus-only entries   21 id fields   22 trail lines   23 timers to set
--      24 timers to remove   25 counters; these are numbers, then the lists follow in this order:
--        log entry   type, schema version, frame, audience, message id or '', data after `{"seq":n,`
--        bus entry   type, schema version, data
--        id          field, value
--        trail       line
--        timer set   member, instant
--        timer gone  member
--        counter     field, increment
-- Answers {'ok', seq after} | {'known', first result} | {'conflict', version}
--       | {'capacity', sessions held}
local call, argv = redis.call, ARGV
local commit, name, now = argv[1], argv[6], argv[10]

local known = call('HGET', KEYS[3], 'c:' .. commit)
if known then return {'known', known} end

local head = call('HMGET', KEYS[1], 'version', 'epoch', 'seq')
if (head[1] or '0') ~= argv[2] or (head[2] or '0') ~= argv[4] then
  return {'conflict', head[1] or '0'}
end

if argv[13] ~= '' then
  local held = call('SCARD', KEYS[13])
  if held >= tonumber(argv[13]) and call('SISMEMBER', KEYS[13], name) == 0 then
    return {'capacity', held}
  end
end

local seq = tonumber(head[3] or '0')
local logged, events = tonumber(argv[19]), tonumber(argv[20])
local after = seq + logged
local status, epoch, sid8 = argv[8], argv[5], string.sub(argv[7], 1, 8)

call('HSET', KEYS[1], 'state', argv[11], 'version', argv[3], 'epoch', epoch, 'seq', after,
  'sid', argv[7], 'status', status, 'turn', argv[12])

local ids = {'c:' .. commit, argv[16]}
local i = 26
local last = logged + events
local function publish(n, type, version, data, ...)
  local tail = {...}
  if argv[17] ~= '' then
    tail[#tail + 1] = 'traceparent'
    tail[#tail + 1] = argv[17]
  end
  if n == last then
    tail[#tail + 1] = 'summary'
    tail[#tail + 1] = argv[18]
  end
  call('XADD', KEYS[5], '*', 'id', commit .. '-' .. n, 'type', type, 'source', 'session-state',
    'subject', name, 'time', now, 'version', version, 'data', data, 'sid8', sid8, 'epoch', epoch,
    'status', status, unpack(tail))
end

for n = 1, logged do
  seq = seq + 1
  local frame, audience, message = argv[i + 2], argv[i + 3], argv[i + 4]
  local data = '{"seq":' .. seq .. ',' .. argv[i + 5]
  call('XADD', KEYS[2], seq .. '-0', 'type', frame, 'at', now, 'audience', audience, 'data', data)
  publish(n, argv[i], argv[i + 1], data, 'seq', seq, 'frame', frame, 'audience', audience)
  if message ~= '' then
    ids[#ids + 1] = 'm:' .. message
    ids[#ids + 1] = seq
  end
  i = i + 6
end
for n = logged + 1, last do
  publish(n, argv[i], argv[i + 1], argv[i + 2])
  i = i + 3
end

for _ = 1, tonumber(argv[21]) do
  ids[#ids + 1] = argv[i]
  ids[#ids + 1] = argv[i + 1]
  i = i + 2
end
call('HSET', KEYS[3], unpack(ids))

for _ = 1, tonumber(argv[22]) do
  call('RPUSH', KEYS[4], argv[i])
  i = i + 1
end

if KEYS[6] ~= KEYS[7] then call('ZREM', KEYS[6], name) end
call('ZADD', KEYS[7], argv[9], name)
call('ZADD', KEYS[8], now, name)
if argv[14] == '1' then call('SREM', KEYS[12], name) end
if argv[13] ~= '' then call('SADD', KEYS[13], name) end
if argv[15] == '1' then call('ZADD', KEYS[10], now, name) end

local set, gone, counters = tonumber(argv[23]), tonumber(argv[24]), tonumber(argv[25])
if set > 0 then
  local timers = {}
  for n = 1, set do
    timers[2 * n - 1], timers[2 * n] = argv[i + 1], argv[i]
    i = i + 2
  end
  call('ZADD', KEYS[9], unpack(timers))
end
if gone > 0 then
  call('ZREM', KEYS[9], unpack(argv, i, i + gone - 1))
  i = i + gone
end
if counters > 0 then
  for _ = 1, counters do
    call('HINCRBY', KEYS[11], argv[i], argv[i + 1])
    i = i + 2
  end
  call('EXPIRE', KEYS[11], 3024000) -- 35 days, one more than a month's report reads
end
return {'ok', after}
