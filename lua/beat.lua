-- Says that a node is there, forgets those that have been silent for too long, and tells who is left. The time is the
-- server's own, so that all nodes agree about who is silent.
-- Errors: REPLACED (a newer start of the same node is there).
--
-- KEYS[1] nodes: hash node id -> seen at (ms), incarnation, what it says of itself; by blanks
-- ARGV[1] node: its id
-- ARGV[2] incarnation: of this start of the node
-- ARGV[3] about: what it says of itself
-- ARGV[4] ttl_ms: silence after which a node is gone (ms)
-- ARGV[5] joins: 1 with the first beat of an incarnation, else 0
-- Returns {1 when there was no trace of the node, node id, incarnation, about, node id, ...}
local nodes = KEYS[1]
local node, incarnation, about, ttl_ms, joins = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('HGET', nodes, node)
if known and joins == '0' and string.match(known, '^%d+ (%S+)') ~= incarnation then
  return redis.error_reply('REPLACED by a newer start of the node')
end
redis.call('HSET', nodes, node, string.format('%.0f %s %s', now_ms, incarnation, about))

local found = { known and 0 or 1 }
local all = redis.call('HGETALL', nodes)
for i = 1, #all, 2 do
  local seen_ms, of, says = string.match(all[i + 1], '^(%d+) (%S+) (.*)$')
  if now_ms - tonumber(seen_ms) > ttl_ms then
    redis.call('HDEL', nodes, all[i])
  else
    found[#found + 1] = all[i]
    found[#found + 1] = of
    found[#found + 1] = says
  end
end
return found
