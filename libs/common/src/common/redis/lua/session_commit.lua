-- session_commit: the only writer of a session. State, log, bus, indexes and timers move together
-- or not at all: every check stands before the first write, and the first write is one that Redis
-- refuses when it is full (unless the text is loaded with allow-oom).
--
-- It builds no strings: what can be written beforehand comes written, entry ids and the `seq` in
-- front of each entry's data included, for the check of `seq` here makes sure that they are right.
--
-- KEYS 1 session   2 log   3 ids   4 trail   5 bus   6 status zset before   7 status zset after
--      8 zset of all sessions   9 due   10 presence   11 counters of the day
--      12 load set of the agent who loses it   13 load set of the agent who gains it
-- ARGV 1 commit's field in ids, `c:<commit id>`   2 version read, '0' when the session must not
--      exist   3 version after   4 epoch read   5 epoch after   6 seq read   7 seq after   8 name
--      9 sid   10 sid8   11 status after   12 score in its zset   13 now   14 state JSON
--      15 open turn's id or ''   16 max_sessions of who gains it or ''   17 '1' when an agent
--      loses it   18 '1' when the visitor's presence counts   19 result to remember
--      20 traceparent or ''   21 summary JSON
--      22 log entries   23 bus-only entries   24 words of ids   25 trail lines   26 words of timers
--      to set   27 timers to remove   28 counters; then the lists follow in this order:
--        log entry   entry id, event id, type, schema version, frame, audience, data, seq
--        bus entry   event id, type, schema version, data
--        ids         field, value
--        trail       line
--        timer set   instant, member
--        timer gone  member
--        counter     field, increment
-- Answers {'ok'} | {'known', first result} | {'conflict'} | {'capacity', sessions held}
local call, argv = redis.call, ARGV

local known = call('HGET', KEYS[3], argv[1])
if known then return {'known', known} end

local head = call('HMGET', KEYS[1], 'version', 'epoch', 'seq')
if (head[1] or '0') ~= argv[2] or (head[2] or '0') ~= argv[4] or (head[3] or '0') ~= argv[6] then
  return {'conflict'}
end

local name, now = argv[8], argv[13]
if argv[16] ~= '' then
  local held = call('SCARD', KEYS[13])
  if held >= tonumber(argv[16]) and call('SISMEMBER', KEYS[13], name) == 0 then
    return {'capacity', held}
  end
end

-- `sid` never changes; a call of its own for a new session costs more than writing it each time
call('HSET', KEYS[1], 'state', argv[14], 'version', argv[3], 'epoch', argv[5], 'seq', argv[7],
  'turn', argv[15], 'sid', argv[9])

local logged, events = tonumber(argv[22]), tonumber(argv[23])
local last, i = logged + events, 29
local words = {'XADD', KEYS[5], '*', 'id', '', 'type', '', 'source', 'session-state',
  'subject', name, 'time', now, 'version', '', 'data', '', 'sid8', argv[10], 'epoch', argv[5],
  'status', argv[11]}
local fixed = 23
if argv[20] ~= '' then
  words[24], words[25] = 'traceparent', argv[20]
  fixed = 25
end
for n = 1, logged do
  local data = argv[i + 6]
  call('XADD', KEYS[2], argv[i], 'type', argv[i + 4], 'at', now, 'audience', argv[i + 5],
    'data', data)
  words[5], words[7], words[15], words[17] = argv[i + 1], argv[i + 2], argv[i + 3], data
  words[fixed + 1], words[fixed + 2] = 'seq', argv[i + 7]
  words[fixed + 3], words[fixed + 4] = 'frame', argv[i + 4]
  words[fixed + 5], words[fixed + 6] = 'audience', argv[i + 5]
  local top = fixed + 6
  if n == last then
    words[top + 1], words[top + 2] = 'summary', argv[21]
    top = top + 2
  end
  call(unpack(words, 1, top))
  i = i + 8
end
for n = logged + 1, last do
  words[5], words[7], words[15], words[17] = argv[i], argv[i + 1], argv[i + 2], argv[i + 3]
  local top = fixed
  if n == last then
    words[top + 1], words[top + 2] = 'summary', argv[21]
    top = top + 2
  end
  call(unpack(words, 1, top))
  i = i + 4
end

local count = tonumber(argv[24])
call('HSET', KEYS[3], argv[1], argv[19], unpack(argv, i, i + count - 1))
i = i + count
count = tonumber(argv[25])
if count > 0 then
  call('RPUSH', KEYS[4], unpack(argv, i, i + count - 1))
  i = i + count
end

if KEYS[6] ~= KEYS[7] then call('ZREM', KEYS[6], name) end
call('ZADD', KEYS[7], argv[12], name)
call('ZADD', KEYS[8], now, name)
if argv[17] == '1' then call('SREM', KEYS[12], name) end
if argv[16] ~= '' then call('SADD', KEYS[13], name) end
if argv[18] == '1' then call('ZADD', KEYS[10], now, name) end

count = tonumber(argv[26])
if count > 0 then
  call('ZADD', KEYS[9], unpack(argv, i, i + count - 1))
  i = i + count
end
count = tonumber(argv[27])
if count > 0 then
  call('ZREM', KEYS[9], unpack(argv, i, i + count - 1))
  i = i + count
end
for _ = 1, tonumber(argv[28]) do
  if call('HINCRBY', KEYS[11], argv[i], argv[i + 1]) == tonumber(argv[i + 1]) then
    call('EXPIRE', KEYS[11], 3024000) -- 35 days, one more than a month's report reads
  end
  i = i + 2
end
return {'ok'}
