-- Trims the bus below what every declared group has acknowledged, and below a given age.
-- KEYS[1] the bus
-- ARGV[1] id: entries from here on stay whatever is acknowledged
-- ARGV[2…] the declared groups
-- Returns {entries removed, id trimmed to}, or {-1, name of a declared group that is missing}.
local function below(a, b)
  local a_ms, a_n = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_n = string.match(b, '^(%d+)-(%d+)$')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  if a_ms ~= b_ms then return a_ms < b_ms end
  return tonumber(a_n) < tonumber(b_n)
end

if redis.call('EXISTS', KEYS[1]) == 0 then return {0, '0-0'} end

local delivered = {}
for _, row in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local record = {}
  for i = 1, #row, 2 do record[row[i]] = row[i + 1] end
  delivered[record['name']] = record['last-delivered-id']
end

local floor = ARGV[1]
for i = 2, #ARGV do
  local last = delivered[ARGV[i]]
  if not last then return {-1, ARGV[i]} end
  local oldest = redis.call('XPENDING', KEYS[1], ARGV[i])[2]
  if oldest and below(oldest, last) then last = oldest end
  if below(last, floor) then floor = last end
end
-- ~: whole nodes only, so up to a hundred entries more than needed stay
return {redis.call('XTRIM', KEYS[1], 'MINID', '~', floor), floor}
