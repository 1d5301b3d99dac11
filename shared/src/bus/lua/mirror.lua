-- Keeps what was read of a channel's owner, if it is true as of the channel's head.
--
-- KEYS[1]  head: "<epoch> <offset>" of the last event that went out
-- KEYS[2]  mirrors: hash from the name of a mirror to what it shows, all as of the head
-- ARGV[1]  the head that what was read belongs to
-- ARGV[2]  what was read
-- ARGV[3]  milliseconds that it is kept
-- ARGV[4]  the mirror's name
--
-- Returns 1 when it was kept. Otherwise events came since, or are still to come, and one of them might change it.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
