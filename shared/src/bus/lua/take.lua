-- Takes one token from a bucket, if there is one. By the server's clock, so that all pods share it.
--
-- KEYS[1]  the bucket: microseconds since 1970 at which it will be full again; absent while it is full
-- ARGV[1]  tokens that it holds
-- ARGV[2]  microseconds in which one comes back
--
-- Returns 0 if a token was taken, else the microseconds until there is one.

local tokens, interval = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
local wait = full_at - now - tokens * interval
if wait > 0 then
  return wait
end
-- Lua writes large numbers as 1e+15.
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
