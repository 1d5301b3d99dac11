-- Appends one durable event to its channel's tail at exactly its offset, and publishes it.
--
-- KEYS[1]  head: "<epoch> <offset>" of the last event that went out
-- KEYS[2]  tail: list of the last records, the newest at the right, without holes
-- KEYS[3]  waiting: hash from offset to record, events that came before their predecessor
-- KEYS[4]  the Pub/Sub channel; named as a key so that a cluster routes the script to its shard
-- KEYS[5]  mirrors: what is true of the channel's owner as of the head, see `mirror`
-- ARGV[1]  epoch of the event
-- ARGV[2]  offset of the event
-- ARGV[3]  record
-- ARGV[4]  records that a tail keeps
-- ARGV[5]  milliseconds that a tail lives after its last event
-- ARGV[6]  milliseconds that a head lives after its last event
-- ARGV[7]  events that may wait
-- ARGV[8]  milliseconds that they may wait, counted from the first
-- ARGV[9]  what publishes: PUBLISH, in a cluster SPUBLISH; empty where Pub/Sub is on another server
--
-- Returns 0 published, 1 repeat, 2 waiting, 3 refused because too many wait; and the records that the caller has to publish.

local epoch, offset, record = ARGV[1], tonumber(ARGV[2]), ARGV[3]

-- Lua writes large numbers as 1e+15; offsets go up to 2^53.
local function field(number)
  return string.format('%.0f', number)
end

local last
local head = redis.call('GET', KEYS[1])
if head then
  local head_epoch, head_offset = string.match(head, '^(%x+) (%d+)$')
  if head_epoch == epoch then
    last = tonumber(head_offset)
  else
    -- The log began another life: what waits belongs to the old one.
    redis.call('DEL', KEYS[3])
  end
end

if not last then
  -- An empty Redis takes what comes first. Whoever lacks what was before reads it from the log.
  redis.call('DEL', KEYS[2], KEYS[5])
  last = offset - 1
end

if offset <= last then
  return { 1, {} }
end

if offset > last + 1 then
  if redis.call('HEXISTS', KEYS[3], field(offset)) == 1 then
    return { 2, {} }
  end
  local waiting = redis.call('HLEN', KEYS[3])
  if waiting >= tonumber(ARGV[7]) then
    return { 3, {} }
  end
  redis.call('HSET', KEYS[3], field(offset), record)
  if waiting == 0 then
    redis.call('PEXPIRE', KEYS[3], ARGV[8])
  end
  return { 2, {} }
end

-- In order: the event itself, then everything that waited right behind it.
local unpublished, kept = {}, 0
while record do
  if string.match(record, '^%w+ %w+! ') then
    -- A control event changes what the mirrors show.
    redis.call('DEL', KEYS[5])
  end
  kept = redis.call('RPUSH', KEYS[2], record)
  if ARGV[9] == '' then
    unpublished[#unpublished + 1] = record
  else
    redis.call(ARGV[9], KEYS[4], record)
  end
  last = last + 1
  record = redis.call('HGET', KEYS[3], field(last + 1))
  if record then
    redis.call('HDEL', KEYS[3], field(last + 1))
  end
end

if kept > tonumber(ARGV[4]) then
  redis.call('LTRIM', KEYS[2], -tonumber(ARGV[4]), -1)
end
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('SET', KEYS[1], epoch .. ' ' .. field(last), 'PX', ARGV[6])
return { 0, unpublished }
