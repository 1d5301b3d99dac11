-- Notes how many connections a node holds, and says how many each of them does; by the server's clock.
--
-- KEYS[1]  loads: hash of "<connections> <end in milliseconds since 1970>" by node
-- ARGV[1]  the node
-- ARGV[2]  its connections; empty if it takes no part any more
-- ARGV[3]  milliseconds that this counts
--
-- Returns the connections of every node whose word still counts.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  local ends = string.format('%.0f', now + tonumber(ARGV[3]))
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ends)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end

local loads = {}
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local connections, ends = string.match(all[index + 1], '^(%d+) (%d+)$')
  if connections and tonumber(ends) > now then
    loads[#loads + 1] = tonumber(connections)
  else
    redis.call('HDEL', KEYS[1], all[index])
  end
end
return loads
