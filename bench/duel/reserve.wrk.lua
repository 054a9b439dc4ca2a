-- Returns nothing: wrk calls the functions of this file.
-- wrk asks for one seat, as each user in turn, with a new key for every request. From the environment: TOKENS (a file,
-- one a line), EVENT, ZONE and RUN (what makes the keys of this run differ). Ends with its figures as one line of JSON.
local tokens, n, run = {}, 0, os.getenv('RUN')
for line in io.lines(os.getenv('TOKENS')) do
  tokens[#tokens + 1] = line
end
local body = string.format('{"event_id":"%s","zone_id":"%s","quantity":1}', os.getenv('EVENT'), os.getenv('ZONE'))

function request()
  n = n + 1
  return wrk.format('POST', '/api/v1/bookings/reserve', {
    ['Content-Type'] = 'application/json',
    ['Authorization'] = 'Bearer ' .. tokens[(n - 1) % #tokens + 1],
    ['Idempotency-Key'] = run .. '-' .. n,
  }, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.3f,"refused":%d,"unanswered":%d,"p50Ms":%.3f,"p99Ms":%.3f,"p999Ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000))
end
