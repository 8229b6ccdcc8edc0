-- The only writer of an agent's account: state, logins, indexes and events in one step, or not
-- at all. All checks come before the first write.
-- KEYS  1 account hash      2 user names hash   3 admins set      4 the agent's families zset
--       5 hash of the family that is made or ended (any family key where none is)
--       6 agent-seen zset   7 devices zset      8 bus stream
-- ARGV  1 the plan as JSON: agent, commit, version, now, fields [k, v, …], events [[k, v, …], …]
--         and optionally
--         take_name, free_name          user names to claim and to give up
--         admin                         true: joins the admins, false: leaves them
--         first_admin                   only where there is no admin yet
--         silent_since                  only where the last heartbeat is not newer than this
--         seen                          a heartbeat at this time, or -1: forget the agent
--         device                        hash of a device id to remember
--         family {id, ends, ttl, hash}  a login to open; `limit` oldest ones beyond are dropped
--         end_family                    a login to end
--         end_others {keep, event}      end all logins but `keep`, one event each (@family@)
--         end_all                       end all logins
-- Returns {status, tick}: OK, CONFLICT, NAME_TAKEN, ADMIN_EXISTS, LAST_ADMIN, SEEN.
-- `tick` is the account's own clock: it rises with every commit and every token, so a token
-- issued before a revocation is always older than it, whatever the replicas' clocks say. It
-- replaces `"not_before":0.0` in events.
-- Twice with the same `commit` is once.
local plan = cjson.decode(ARGV[1])
local account, names, admins, families = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local family, seen, devices, bus = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local id = plan.agent

local stored = redis.call('HMGET', account, 'version', 'commit', 'tick')
if stored[2] == plan.commit then return {'OK', stored[3]} end
if (tonumber(stored[1]) or 0) ~= plan.version then return {'CONFLICT', '0'} end
if plan.take_name and redis.call('HEXISTS', names, plan.take_name) == 1 then
  return {'NAME_TAKEN', '0'}
end
if plan.first_admin and redis.call('SCARD', admins) > 0 then return {'ADMIN_EXISTS', '0'} end
if plan.admin == false and redis.call('SISMEMBER', admins, id) == 1
    and redis.call('SCARD', admins) == 1 then
  return {'LAST_ADMIN', '0'}
end
if plan.silent_since then
  local last = redis.call('ZSCORE', seen, id)
  if last and tonumber(last) > plan.silent_since then return {'SEEN', '0'} end
end

local tick = math.max(plan.now, (tonumber(stored[3]) or 0) + 0.000001)
local stamp = string.format('%.6f', tick)

local function publish(fields)
  for at = 1, #fields, 2 do
    if fields[at] == 'data' then
      fields[at + 1] = string.gsub(fields[at + 1], '"not_before":0%.0', '"not_before":' .. stamp, 1)
    end
  end
  redis.call('XADD', bus, '*', unpack(fields))
end

redis.call('HSET', account, 'version', string.format('%d', plan.version + 1),
  'commit', plan.commit, 'tick', stamp, unpack(plan.fields))
if plan.free_name then redis.call('HDEL', names, plan.free_name) end
if plan.take_name then redis.call('HSET', names, plan.take_name, id) end
if plan.admin == true then redis.call('SADD', admins, id) end
if plan.admin == false then redis.call('SREM', admins, id) end
if plan.seen then
  if plan.seen < 0 then redis.call('ZREM', seen, id)
  else redis.call('ZADD', seen, string.format('%.3f', plan.seen), id) end
end
if plan.device then
  redis.call('ZADD', devices, stamp, plan.device)
  redis.call('ZREMRANGEBYRANK', devices, 0, -51)
end

if plan.end_others then
  for _, other in ipairs(redis.call('ZRANGE', families, 0, -1)) do
    if other ~= plan.end_others.keep then
      redis.call('ZREM', families, other)
      local event = {}
      for at, value in ipairs(plan.end_others.event) do
        event[at] = (string.gsub(value, '@family@', other))
      end
      publish(event)
    end
  end
end
if plan.end_all then redis.call('DEL', families) end
if plan.end_family then
  redis.call('ZREM', families, plan.end_family)
  redis.call('DEL', family)
end
if plan.family then
  redis.call('ZREMRANGEBYSCORE', families, '-inf', stamp)
  redis.call('HSET', family, 'generation', '1', 'hash', plan.family.hash, 'previous', '',
    'rotated_at', '0')
  redis.call('EXPIRE', family, plan.family.ttl)
  redis.call('ZADD', families, plan.family.ends, plan.family.id)
  redis.call('ZREMRANGEBYRANK', families, 0, -1 - plan.family.limit)
end
for _, event in ipairs(plan.events) do publish(event) end
return {'OK', stamp}
