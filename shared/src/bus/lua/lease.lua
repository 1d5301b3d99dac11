-- Renews a node's lease, or takes one; by the server's clock.
--
-- KEYS[1]  leases: sorted set of nodes by the end of their lease, in milliseconds since 1970
-- KEYS[2]  life: when the first lease was taken, in milliseconds since 1970: another after Redis has lost everything
-- ARGV[1]  the node
-- ARGV[2]  milliseconds that a lease lasts
-- ARGV[3]  the life in which the node has taken its lease; empty if it has none
-- ARGV[4]  milliseconds that all this is kept if nobody renews
--
-- Returns "kept", "new" or "lost", the life, the time, and all nodes with the ends of their leases. A lease that has run out
-- is lost, even if nobody has taken notice yet: somebody may be about to.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

-- Lua writes large numbers as 1e+15.
local function milliseconds(number)
  return string.format('%.0f', number)
end

local life = redis.call('GET', KEYS[2])
if not life then
  redis.call('DEL', KEYS[1])
  life = milliseconds(now)
end
redis.call('SET', KEYS[2], life, 'PX', ARGV[4])

local outcome = 'new'
if ARGV[3] == life then
  local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
  outcome = ends > now and 'kept' or 'lost'
end
if outcome ~= 'lost' then
  redis.call('ZADD', KEYS[1], milliseconds(now + tonumber(ARGV[2])), ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { outcome, life, now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES') }
