-- Lists a connection of somebody, and says who is listed if that makes too many.
--
-- KEYS[1]  the person's connections: a sorted set of "<node>:<connection>" by opening time
-- ARGV[1]  opening time in milliseconds since 1970
-- ARGV[2]  "<node>:<connection>"
-- ARGV[3]  milliseconds that the set is kept unless somebody lists again
-- ARGV[4]  as many may be listed
-- ARGV[5]  the longest answer
--
-- Returns nothing if they are not too many, else the oldest.

redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('ZCARD', KEYS[1]) <= tonumber(ARGV[4]) then
  return {}
end
return redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[5]) - 1)
