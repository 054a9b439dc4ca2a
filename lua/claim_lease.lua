-- Asks for the lease of a shard. A lease has no time of its own: it lasts as long as its holder is among the nodes, so that
-- one beat renews all leases of a node.
-- Errors: NOT_A_MEMBER (the caller itself is not among the nodes, or silent for too long).
--
-- KEYS[1] nodes: hash node id -> seen at (ms), incarnation, what it says of itself; by blanks
-- KEYS[2] lease: node id and incarnation of the holder, by a blank
-- ARGV[1] node: who asks
-- ARGV[2] incarnation: of who asks
-- ARGV[3] ttl_ms: silence after which a node is gone (ms)
-- Returns the node that has the lease now
local nodes, lease = KEYS[1], KEYS[2]
local node, incarnation, ttl_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function is_there(id, of)
  local seen_ms, present = string.match(redis.call('HGET', nodes, id) or '', '^(%d+) (%S+)')
  return present == of and now_ms - tonumber(seen_ms) <= ttl_ms
end

if not is_there(node, incarnation) then return redis.error_reply('NOT_A_MEMBER of the cluster') end
local holder, of = string.match(redis.call('GET', lease) or '', '^(%S+) (%S+)$')
if holder and holder ~= node and is_there(holder, of) then return holder end
redis.call('SET', lease, node .. ' ' .. incarnation)
return node
