-- Reads a range of a channel's tail.
--
-- KEYS[1]  head: "<epoch> <offset>" of the last event that went out
-- KEYS[2]  tail: list of the last records, the newest at the right, without holes
-- ARGV[1]  epoch of the range
-- ARGV[2]  offset before the first event of the range
-- ARGV[3]  offset of its last event
--
-- Returns the records, or nil when the tail does not hold them all.

local head = redis.call('GET', KEYS[1]) or ''
local head_epoch, head_offset = string.match(head, '^(%x+) (%d+)$')
if head_epoch ~= ARGV[1] then
  return nil
end

local last = tonumber(head_offset)
local first = last - redis.call('LLEN', KEYS[2]) + 1
local after, through = tonumber(ARGV[2]), tonumber(ARGV[3])

if through > last or after + 1 < first then
  return nil
end
return redis.call('LRANGE', KEYS[2], after + 1 - first, through - first)
