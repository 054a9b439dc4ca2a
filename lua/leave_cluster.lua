-- Takes a node off the register, when it is this incarnation of it that is there.
--
-- KEYS[1] nodes: hash node id -> seen at (ms), incarnation, what it says of itself; by blanks
-- ARGV[1] node: its id
-- ARGV[2] incarnation: of this start of the node
-- Returns 1 when it was there, else 0
local nodes = KEYS[1]
local node, incarnation = ARGV[1], ARGV[2]

local known = redis.call('HGET', nodes, node)
if not known or string.match(known, '^%d+ (%S+)') ~= incarnation then return 0 end
return redis.call('HDEL', nodes, node)
