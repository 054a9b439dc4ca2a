-- Writes a chunk of one hash (holds, users or keys) during a rebuild. FENCED when another rebuild has begun since.
--
-- KEYS[1] gate: hash building
-- KEYS[2] target: hash that is written
-- ARGV[1] generation: that is being built (number)
-- ARGV[2..] field, value, field, value (at most 4 000 pairs)
-- Returns 1
local gate, target = KEYS[1], KEYS[2]
local generation = ARGV[1]

if redis.call('HGET', gate, 'building') ~= generation then return redis.error_reply('FENCED by another rebuild') end
redis.call('HSET', target, unpack(ARGV, 2))
return 1
