-- Takes the newest batch of a zone back, by its record: the truth refused it or never saw it, and nobody was told.
-- Errors as in zone_batch.lua; STALE_ZONE also when the batch is not the newest.
--
-- KEYS[1] gate: hash generation, run_id
-- KEYS[2] zone: hash available, held, sold, epoch, version
-- KEYS[3] users: hash user id -> seats
-- KEYS[4] holds: hash booking id -> user id (16 bytes), quantity (2), expires_at (6)
-- KEYS[5] batches: hash batch id -> packed {version, answer, commands, the holds they moved}
-- KEYS[6] today: hash key -> fingerprint, booking id
-- KEYS[7] yesterday: the same for the day before
-- KEYS[8] releases: hash batch id -> what it gave back to users, which they did not have yet
-- ARGV[1] generation: of the gate (number)
-- ARGV[2] run_id: of the store that the gate was built in
-- ARGV[3] epoch: of the owner (number)
-- ARGV[4] batch_id: 16 bytes
-- Returns 1 when it was undone, 0 when there is no record of it
local gate, zone, users, holds = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local batches, today, yesterday, releases = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local generation, run_id, epoch, batch_id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local built = redis.call('HMGET', gate, 'generation', 'run_id')
if built[1] ~= generation or built[2] ~= run_id then return redis.error_reply('STALE_GATE another generation') end
local state = redis.call('HMGET', zone, 'epoch', 'version')
if not state[1] then return redis.error_reply('STALE_GATE another generation') end
if tonumber(state[1]) > tonumber(epoch) then return redis.error_reply('FENCED by another owner') end
if state[1] ~= epoch then return redis.error_reply('STALE_ZONE another epoch') end
local packed = redis.call('HGET', batches, batch_id)
if not packed then return 0 end
local record = cmsgpack.unpack(packed)
if tonumber(state[2]) ~= record[1] + 1 then return redis.error_reply('STALE_ZONE not the newest batch') end

local function shift(counter, seats)
  redis.call('HINCRBY', zone, counter, seats)
end
local function shift_user(user, seats)
  if redis.call('HINCRBY', users, user, seats) <= 0 then redis.call('HDEL', users, user) end
end

local APPLIED, RECORD = 1, 73
local codes, commands, befores = record[2][3], record[3], record[4]
local moved = #befores
local function quantity(text, at)
  local high, low = string.byte(text, at, at + 1)
  return high * 256 + low
end
for i = #codes, 1, -1 do
  local command = string.sub(commands, (i - 1) * RECORD + 1, i * RECORD)
  local kind, id, user = string.sub(command, 1, 1), string.sub(command, 2, 17), string.sub(command, 18, 33)
  if string.byte(codes, i) ~= APPLIED or kind == 'W' then
    -- It changed nothing here.
  elseif kind == 'R' then
    local seats = quantity(command, 66)
    redis.call('HDEL', holds, id)
    redis.call('HDEL', today, string.sub(command, 34, 49))
    redis.call('HDEL', yesterday, string.sub(command, 34, 49))
    shift_user(user, -seats)
    shift('held', -seats)
    shift('available', seats)
  elseif kind == 'A' then
    local seats = quantity(command, 66)
    shift_user(user, -seats)
    shift('sold', -seats)
    shift('available', seats)
  elseif kind == 'F' then
    local seats = quantity(command, 66)
    shift('sold', seats)
    shift('available', -seats)
  else
    local before = befores[moved]
    local seats = quantity(before, 17)
    moved = moved - 1
    redis.call('HSET', holds, id, before)
    if kind == 'C' then
      shift('sold', -seats)
      shift('held', seats)
    elseif kind == 'D' or kind == 'E' then
      shift('available', -seats)
      shift('held', seats)
    end
  end
end
redis.call('HSET', zone, 'version', record[1])
redis.call('HDEL', releases, batch_id)
redis.call('HDEL', batches, batch_id)
return 1
