-- Begins to rebuild the gate of an event: from here every batch is refused until close_rebuild, and what the gate knew
-- is dropped. A rebuild of a lower or equal generation than one that was begun or published is FENCED.
--
-- KEYS[1] gate: hash generation, run_id, building
-- KEYS[2..] the event's other keys, which are dropped
-- ARGV[1] generation: that the rebuild will publish (number)
-- Returns 1
local gate = KEYS[1]
local generation = tonumber(ARGV[1])

local state = redis.call('HMGET', gate, 'generation', 'building')
for i = 1, 2 do
  if state[i] and tonumber(state[i]) >= generation then return redis.error_reply('FENCED by another rebuild') end
end
redis.call('HSET', gate, 'building', generation)
redis.call('HDEL', gate, 'generation', 'run_id')
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
