-- Keeps the rules of the feature flags for gateways, unless newer ones are there.
--
-- KEYS[1]  flags: hash of version and table
-- ARGV[1]  version of the rules that the caller has
-- ARGV[2]  these rules as JSON; empty to ask whether they are wanted
-- ARGV[3]  milliseconds that they are kept without being confirmed
--
-- Returns 1 where the rules are wanted and were not given, else 0.

local version = redis.call('HGET', KEYS[1], 'version')
if version and tonumber(version) > tonumber(ARGV[1]) then
  return 0
end
if version ~= ARGV[1] then
  if ARGV[2] == '' then
    return 1
  end
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'table', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
