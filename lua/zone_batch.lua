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
-- Returns {available, held, answer...}: 1 applied, 2 too few seats, 3 no such hold (or nothing sold to refund), 4 not due yet, a negative number
--         -1 - n when the user is over the limit and has n seats, or fingerprint and booking id of an earlier use
local gate, zone, users, holds = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local batches, today, yesterday, releases = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local generation, run_id, epoch, version = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local batch_id, settled, max_per_user, commands = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]

local APPLIED, TOO_FEW, ABSENT, EARLY = 1, 2, 3, 4
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

-- Read everything that the commands need in a few variadic calls.
local count = #commands / RECORD
local kind, id, user, key, quantity = {}, {}, {}, {}, {}
local asked_keys, asked_holds = {}, {}
for i = 1, count do
  local at = (i - 1) * RECORD
  kind[i], id[i] = sub(commands, at + 1, at + 1), sub(commands, at + 2, at + 17)
  if kind[i] == 'R' or kind[i] == 'A' then
    user[i], key[i] = sub(commands, at + 18, at + 33), sub(commands, at + 34, at + 49)
    local high, low = byte(commands, at + 66, at + 67)
    quantity[i] = high * 256 + low
    asked_keys[#asked_keys + 1] = key[i]
  elseif kind[i] == 'F' then
    local high, low = byte(commands, at + 66, at + 67)
    quantity[i] = high * 256 + low
  else
    asked_holds[#asked_holds + 1] = id[i]
  end
end

local hold_of, earlier_use, seats_of = {}, {}, {}
if #asked_holds > 0 then
  local found = redis.call('HMGET', holds, unpack(asked_holds))
  for i, hold in ipairs(found) do hold_of[asked_holds[i]] = hold end
end
if #asked_keys > 0 then
  local new, old = redis.call('HMGET', today, unpack(asked_keys)), redis.call('HMGET', yesterday, unpack(asked_keys))
  for i, asked in ipairs(asked_keys) do earlier_use[asked] = new[i] or old[i] end
end
local asked_users = {}
for i = 1, count do
  if user[i] and not seats_of[user[i]] then
    seats_of[user[i]] = 0
    asked_users[#asked_users + 1] = user[i]
  end
end
if #asked_users > 0 then
  local found = redis.call('HMGET', users, unpack(asked_users))
  for i, asked in ipairs(asked_users) do seats_of[asked] = tonumber(found[i] or 0) end
end

local function hold_quantity(hold)
  local high, low = byte(hold, 17, 18)
  return high * 256 + low
end

local function moment(text, at)
  local a, b, c, d, e, f = byte(text, at, at + 5)
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

-- Judge in order, on local copies.
local new_holds, new_keys, touched_users, effects, released = {}, {}, {}, {}, {}

local function refuse_seats(i)
  if available < quantity[i] then return TOO_FEW end
  local seats = seats_of[user[i]]
  if seats + quantity[i] > max_per_user then return -1 - seats end
  available = available - quantity[i]
  seats_of[user[i]] = seats + quantity[i]
  touched_users[user[i]] = true
end

local function reserve_seats(i, at)
  local earlier = earlier_use[key[i]]
  if earlier then return earlier end
  local refused = refuse_seats(i)
  if refused then return refused end
  held = held + quantity[i]
  local hold = user[i] .. sub(commands, at + 66, at + 73)
  local use = sub(commands, at + 50, at + 65) .. id[i]
  hold_of[id[i]], new_holds[id[i]] = hold, hold
  earlier_use[key[i]], new_keys[key[i]] = use, use
  return APPLIED
end

local function reacquire_seats(i)
  local refused = refuse_seats(i)
  if refused then return refused end
  sold = sold + quantity[i]
  return APPLIED
end

-- What the user has is lowered when the batch is settled.
local function refund_seats(i, at)
  if sold < quantity[i] then return ABSENT end
  sold, available = sold - quantity[i], available + quantity[i]
  released[#released + 1] = sub(commands, at + 18, at + 33) .. sub(commands, at + 66, at + 67)
  return APPLIED
end

local function end_hold(i)
  hold_of[id[i]], new_holds[id[i]] = nil, false
end

local function release_seats(i, hold)
  local seats = hold_quantity(hold)
  held, available = held - seats, available + seats
  released[#released + 1] = sub(hold, 1, 18)
  end_hold(i)
  return APPLIED
end

local function confirm_booking(i, hold)
  local seats = hold_quantity(hold)
  held, sold = held - seats, sold + seats
  end_hold(i)
  return APPLIED
end

local function extend_hold(i, hold, at)
  hold_of[id[i]] = sub(hold, 1, 18) .. sub(commands, at + 68, at + 73)
  new_holds[id[i]] = hold_of[id[i]]
  return APPLIED
end

local function expire_hold(i, hold, at)
  if moment(hold, 19) > moment(commands, at + 68) then return EARLY end
  return release_seats(i, hold)
end

local on_hold = { C = confirm_booking, D = release_seats, X = extend_hold, E = expire_hold }
local answers = { 0, 0 }
for i = 1, count do
  local at = (i - 1) * RECORD
  local before, answer = hold_of[id[i]] or '', nil
  if kind[i] == 'R' then answer = reserve_seats(i, at)
  elseif kind[i] == 'A' then answer = reacquire_seats(i)
  elseif kind[i] == 'F' then answer = refund_seats(i, at)
  elseif kind[i] == 'W' then answer = APPLIED
  elseif not hold_of[id[i]] then answer = ABSENT
  else answer = on_hold[kind[i]](i, hold_of[id[i]], at) end
  answers[i + 2] = answer
  -- What undo_batch needs: the command and the hold as it was.
  if answer == APPLIED then effects[#effects + 1] = sub(commands, at + 1, at + RECORD) .. before end
end
answers[1], answers[2] = available, held

if #effects == 0 then return answers end

-- Write what changed, gathered by kind.
local function store(hash, changes)
  local set, gone = {}, {}
  for field, value in pairs(changes) do
    if value then set[#set + 1] = field; set[#set + 1] = value else gone[#gone + 1] = field end
  end
  if #set > 0 then redis.call('HSET', hash, unpack(set)) end
  if #gone > 0 then redis.call('HDEL', hash, unpack(gone)) end
end
for changed in pairs(touched_users) do touched_users[changed] = seats_of[changed] end
store(users, touched_users)
store(holds, new_holds)
store(today, new_keys)
if next(new_keys) then redis.call('EXPIRE', today, KEY_DAY_SECONDS) end
redis.call('HSET', zone, 'available', available, 'held', held, 'sold', sold, 'version', version + 1)
if #released > 0 then redis.call('HSET', releases, batch_id, table.concat(released)) end
redis.call('HSET', batches, batch_id, cmsgpack.pack({ tonumber(version), answers, effects }))
return answers
