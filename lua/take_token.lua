-- Takes one token from a bucket that fills by itself. The time is the server's own, so that all nodes agree about it.
--
-- KEYS[1] bucket: hash tokens (fraction), at (ms); absent: full
-- ARGV[1] per_minute: tokens that the bucket gains (per minute)
-- ARGV[2] burst: tokens that it holds at most (number)
-- Returns {1 taken or 0 refused, whole tokens left, until a token is there (ms), until it is full (ms)}
local bucket = KEYS[1]
local per_minute, burst = tonumber(ARGV[1]), tonumber(ARGV[2])

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local state = redis.call('HMGET', bucket, 'tokens', 'at')
local elapsed_ms = math.max(0, now_ms - (tonumber(state[2]) or now_ms))
local tokens = math.min(burst, (tonumber(state[1]) or burst) + elapsed_ms * per_minute / 60000)

local taken = 0
if tokens >= 1 then
  taken = 1
  tokens = tokens - 1
end
-- What is stored is what is reckoned with: a client that waits as long as it was told must find its token.
tokens = math.floor(tokens * 1000000) / 1000000
local token_ms = math.max(0, math.ceil((1 - tokens) * 60000 / per_minute))
local full_ms = math.max(1, math.ceil((burst - tokens) * 60000 / per_minute))
redis.call('HSET', bucket, 'tokens', string.format('%.6f', tokens), 'at', now_ms)
redis.call('PEXPIRE', bucket, full_ms)
return { taken, math.floor(tokens), token_ms, full_ms }
