-- Writes the counters of one zone during a rebuild. FENCED when another rebuild has begun since.
--
-- KEYS[1] gate: hash building
-- KEYS[2] zone: hash that is written
-- ARGV[1] generation: that is being built (number)
-- ARGV[2] capacity: seats
-- ARGV[3] available: seats
-- ARGV[4] held: seats
-- ARGV[5] sold: seats
-- ARGV[6] blocked: seats
-- ARGV[7] epoch: of the owner (number)
-- ARGV[8] version: batch counter (number)
-- Returns 1
local gate, zone = KEYS[1], KEYS[2]
local generation, capacity, available, held = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local sold, blocked, epoch, version = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

if redis.call('HGET', gate, 'building') ~= generation then return redis.error_reply('FENCED by another rebuild') end
redis.call('HSET', zone, 'capacity', capacity, 'available', available, 'held', held, 'sold', sold, 'blocked', blocked,
  'epoch', epoch, 'version', version)
return 1
