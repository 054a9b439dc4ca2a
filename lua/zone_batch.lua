-- Applies one batch of commands of one zone, in order, once per batch id. engine/zone.ts is its model.
-- Either the whole batch is judged here or, with an error, nothing is changed:
--   STALE_GATE  the event's gate is absent, being rebuilt, of another generation, or of another run of this store
--   FENCED      another owner holds a higher epoch
--   STALE_ZONE  the zone is not at the version that the caller believes
--
-- KEYS[1] gate: hash generation, run_id
-- KEYS[2] zone: hash available, held, sold, epoch, version
-- KEYS[3] users: hash user id (16 bytes) -> seats held and owned over the event, and given back but not settled
-- KEYS[4] holds: hash booking id (16 bytes) -> user id (16 bytes), quantity (2 bytes), expires_at (6 bytes, ms)
-- KEYS[5] batches: hash batch id (16 bytes) -> packed record of a batch, kept until it is settled
-- KEYS[6] today: hash key (16 bytes) -> fingerprint (16 bytes), booking id (16 bytes)
-- KEYS[7] yesterday: the same for the day before
-- KEYS[8] releases: hash batch id (16 bytes) -> user id (16 bytes), quantity (2 bytes) of all seats that it brought back;
--         the seats count for their users until the batch is settled, since it could still be taken back
-- ARGV[1] generation: of the gate (number)
-- ARGV[2] run_id: of the store that the gate was built in
-- ARGV[3] epoch: of the owner (number)
-- ARGV[4] version: of the zone before this batch (number)
-- ARGV[5] batch_id: 16 bytes
-- ARGV[6] settled: ids of batches that the truth holds: their records and releases may go (16 bytes each)
-- ARGV[7] max_per_user: seats (number)
-- ARGV[8] commands: records of 73 bytes, big-endian: kind 1, booking id 16, user id 16, key 16, fingerprint 16,
--         quantity 2, time 6 (ms: expires_at of R and X, now of E). Kinds: R reserve, A reacquire, X extend,
--         C confirm, D cancel, E expire, F refund, W write-off
-- Returns {available, held, codes, detail...}. codes: one byte a command: 1 applied, 2 too few seats, 3 no such hold (or
--         nothing sold to refund), 4 not due yet, 5 over the user's limit (its detail: the seats the user has), 6 the key
--         was used before (its detail: fingerprint and booking id of that use); details in the order of their commands
local gate, zone, users, holds = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local batches, today, yesterday, releases = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local generation, run_id, epoch, version = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local batch_id, settled, max_per_user, commands = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]

local APPLIED, TOO_FEW, ABSENT, EARLY, OVER_LIMIT, REPLAY = 1, 2, 3, 4, 5, 6
local RESERVE, REACQUIRE, EXTEND, CONFIRM, CANCEL, EXPIRE, REFUND, WRITE_OFF = string.byte('RAXCDEFW', 1, 8)
local RECORD = 73
local KEY_DAY_SECONDS = 172800
local sub, byte = string.sub, string.byte

local built = redis.call('HMGET', gate, 'generation', 'run_id')
if built[1] ~= generation or built[2] ~= run_id then return redis.error_reply('STALE_GATE another generation') end
local state = redis.call('HMGET', zone, 'epoch', 'version', 'available', 'held', 'sold')
if not state[1] then return redis.error_reply('STALE_GATE another generation') end
if tonumber(state[1]) > tonumber(epoch) then return redis.error_reply('FENCED by another owner') end
local known = redis.call('HGET', batches, batch_id)
if known then return cmsgpack.unpack(known)[2] end
if state[1] ~= epoch or state[2] ~= version then return redis.error_reply('STALE_ZONE another version') end
local available, held, sold = tonumber(state[3]), tonumber(state[4]), tonumber(state[5])

if #settled > 0 then
  local ids = {}
  for i = 1, #settled, 16 do ids[#ids + 1] = sub(settled, i, i + 15) end
  for _, released in ipairs(redis.call('HMGET', releases, unpack(ids))) do
    for at = 1, released and #released or 0, 18 do
      local owner, high, low = sub(released, at, at + 15), byte(released, at + 16, at + 17)
      if redis.call('HINCRBY', users, owner, -(high * 256 + low)) <= 0 then redis.call('HDEL', users, owner) end
    end
  end
  redis.call('HDEL', releases, unpack(ids))
  redis.call('HDEL', batches, unpack(ids))
end

local count = #commands / RECORD
if count == 0 then return { available, held, '' } end

-- Read everything that the commands need in a few variadic calls. Fields that a kind does not use are zeros, which nobody
-- has: asking for them keeps what is found under the numbers of the commands.
local kind, id, user, key, quantity = {}, {}, {}, {}, {}
local only_reserves = true
for i = 1, count do
  local at = (i - 1) * RECORD
  kind[i], id[i] = byte(commands, at + 1), sub(commands, at + 2, at + 17)
  user[i], key[i] = sub(commands, at + 18, at + 33), sub(commands, at + 34, at + 49)
  local high, low = byte(commands, at + 66, at + 67)
  quantity[i] = high * 256 + low
  if kind[i] ~= RESERVE then only_reserves = false end
end
local owned = redis.call('HMGET', users, unpack(user))
local used_today, used_yesterday = redis.call('HMGET', today, unpack(key)), redis.call('HMGET', yesterday, unpack(key))
local hold_of = {}
if not only_reserves then
  for i, hold in ipairs(redis.call('HMGET', holds, unpack(id))) do hold_of[id[i]] = hold or nil end
end

-- Judge in order, on local copies; what is to be written gathers in the shape of its variadic call.
local seats_of, use_of = {}, {}
local made_holds, ended_holds, new_keys = {}, {}, {}
local released, befores, codes, details = {}, {}, {}, {}

local function take_seats(i)
  local wanted = quantity[i]
  if available < wanted then return TOO_FEW end
  local seats = seats_of[user[i]] or tonumber(owned[i] or 0)
  if seats + wanted > max_per_user then
    details[#details + 1] = seats
    return OVER_LIMIT
  end
  available = available - wanted
  seats_of[user[i]] = seats + wanted
  return APPLIED
end

local function reserve_seats(i, at)
  local earlier = use_of[key[i]] or used_today[i] or used_yesterday[i]
  if earlier then
    details[#details + 1] = earlier
    return REPLAY
  end
  local code = take_seats(i)
  if code ~= APPLIED then return code end
  held = held + quantity[i]
  local hold = user[i] .. sub(commands, at + 66, at + 73)
  local use = sub(commands, at + 50, at + 65) .. id[i]
  use_of[key[i]] = use
  local h, k = #made_holds, #new_keys
  made_holds[h + 1], made_holds[h + 2] = id[i], hold
  new_keys[k + 1], new_keys[k + 2] = key[i], use
  if not only_reserves then hold_of[id[i]] = hold end
  return APPLIED
end

local function reacquire_seats(i)
  local code = take_seats(i)
  if code == APPLIED then sold = sold + quantity[i] end
  return code
end

-- What the user has is lowered when the batch is settled.
local function refund_seats(i, at)
  local seats = quantity[i]
  if sold < seats then return ABSENT end
  sold, available = sold - seats, available + seats
  released[#released + 1] = user[i] .. sub(commands, at + 66, at + 67)
  return APPLIED
end

local function moment(text, at)
  local a, b, c, d, e, f = byte(text, at, at + 5)
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

local function move_hold(i, at)
  local hold, move = hold_of[id[i]], kind[i]
  if not hold then return ABSENT end
  if move == EXPIRE and moment(hold, 19) > moment(commands, at + 68) then return EARLY end
  befores[#befores + 1] = hold
  if move == EXTEND then
    local longer = sub(hold, 1, 18) .. sub(commands, at + 68, at + 73)
    local n = #made_holds
    made_holds[n + 1], made_holds[n + 2] = id[i], longer
    hold_of[id[i]] = longer
    return APPLIED
  end
  local high, low = byte(hold, 17, 18)
  local seats = high * 256 + low
  held = held - seats
  if move == CONFIRM then
    sold = sold + seats
  else
    available = available + seats
    released[#released + 1] = sub(hold, 1, 18)
  end
  hold_of[id[i]] = nil
  ended_holds[#ended_holds + 1] = id[i]
  return APPLIED
end

local changes = false
for i = 1, count do
  local at, of, code = (i - 1) * RECORD, kind[i], APPLIED
  if of == RESERVE then code = reserve_seats(i, at)
  elseif of == REACQUIRE then code = reacquire_seats(i)
  elseif of == REFUND then code = refund_seats(i, at)
  elseif of ~= WRITE_OFF then code = move_hold(i, at) end
  codes[i] = code
  if code == APPLIED then changes = true end
end
local answer = { available, held, string.char(unpack(codes)), unpack(details) }
if not changes then return answer end

local new_totals = {}
for owner, seats in pairs(seats_of) do
  local n = #new_totals
  new_totals[n + 1], new_totals[n + 2] = owner, seats
end
if #new_totals > 0 then redis.call('HSET', users, unpack(new_totals)) end
if #made_holds > 0 then redis.call('HSET', holds, unpack(made_holds)) end
if #ended_holds > 0 then redis.call('HDEL', holds, unpack(ended_holds)) end
if #new_keys > 0 then
  redis.call('HSET', today, unpack(new_keys))
  redis.call('EXPIRE', today, KEY_DAY_SECONDS)
end
redis.call('HSET', zone, 'available', available, 'held', held, 'sold', sold, 'version', version + 1)
if #released > 0 then redis.call('HSET', releases, batch_id, table.concat(released)) end
-- The commands as they came and the holds that they moved are all that undo_batch needs.
redis.call('HSET', batches, batch_id, cmsgpack.pack({ tonumber(version), answer, commands, befores }))
return answer
