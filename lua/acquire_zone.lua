-- Makes the caller the zone's owner in the gate and tells what the owner before left. PostgreSQL has raised the epoch
-- first, so that after both the old owner can change neither.
-- Errors: STALE_GATE (absent, rebuilt or of another run), FENCED (a higher epoch is there).
--
-- KEYS[1] gate: hash generation, run_id
-- KEYS[2] zone: hash epoch, version
-- KEYS[3] batches: hash batch id (16 bytes) -> packed {version, answers, effects}
-- ARGV[1] generation: of the gate (number)
-- ARGV[2] run_id: of the store as it runs now
-- ARGV[3] epoch: of the new owner (number)
-- Returns {version, batch id, version of that batch, batch id, ...}
local gate, zone, batches = KEYS[1], KEYS[2], KEYS[3]
local generation, run_id, epoch = ARGV[1], ARGV[2], ARGV[3]

local built = redis.call('HMGET', gate, 'generation', 'run_id')
if built[1] ~= generation or built[2] ~= run_id then return redis.error_reply('STALE_GATE another generation') end
local state = redis.call('HMGET', zone, 'epoch', 'version')
if not state[1] then return redis.error_reply('STALE_GATE another generation') end
if tonumber(state[1]) > tonumber(epoch) then return redis.error_reply('FENCED by another owner') end
redis.call('HSET', zone, 'epoch', epoch)

local found = { tonumber(state[2]) }
local records = redis.call('HGETALL', batches)
for i = 1, #records, 2 do
  found[#found + 1] = records[i]
  found[#found + 1] = cmsgpack.unpack(records[i + 1])[1]
end
return found
