-- Publishes a rebuilt gate: the last write of a rebuild. FENCED when another rebuild has begun since.
--
-- KEYS[1] gate: hash building, generation, run_id
-- ARGV[1] generation: that was built (number)
-- ARGV[2] run_id: of the store that it was built in
-- Returns 1
local gate = KEYS[1]
local generation, run_id = ARGV[1], ARGV[2]

if redis.call('HGET', gate, 'building') ~= generation then return redis.error_reply('FENCED by another rebuild') end
redis.call('HSET', gate, 'generation', generation, 'run_id', run_id)
redis.call('HDEL', gate, 'building')
return 1
