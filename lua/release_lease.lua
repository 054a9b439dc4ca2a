-- Gives the lease of a shard back, when it is the caller's.
--
-- KEYS[1] lease: node id and incarnation of the holder, by a blank
-- ARGV[1] node: who gives it back
-- ARGV[2] incarnation: of who gives it back
-- Returns 1 when it was given back, 0 when it is another's
local lease = KEYS[1]
local node, incarnation = ARGV[1], ARGV[2]

if redis.call('GET', lease) ~= node .. ' ' .. incarnation then return 0 end
return redis.call('DEL', lease)
