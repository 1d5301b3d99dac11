-- Puts into Redis what the log knows of a channel, unless Redis knows more.
--
-- KEYS[1]  head: "<epoch> <offset>" of the last event that went out
-- KEYS[2]  tail: list of the last records, the newest at the right, without holes
-- KEYS[3]  waiting: hash from offset to record, events that came before their predecessor
-- KEYS[4]  the Pub/Sub channel; named as a key so that a cluster routes the script to its shard
-- KEYS[5]  mirrors: what is true of the channel's owner as of the head, see `mirror`
-- ARGV[1]  epoch of the log
-- ARGV[2]  offset of the log's last event
-- ARGV[3]  the notice that is published when this moves the head
-- ARGV[4]  milliseconds that a tail lives
-- ARGV[5]  milliseconds that a head lives
-- ARGV[6]  what publishes: PUBLISH, in a cluster SPUBLISH; empty where Pub/Sub is on another server
-- ARGV[7]  and on: the log's last records, possibly none, ending at ARGV[2], without holes
--
-- Returns 1 when something was written, else 0; and the notice if the caller has to publish it.

local epoch, offset = ARGV[1], tonumber(ARGV[2])
local records = #ARGV - 6

local unpublished = {}
local head = redis.call('GET', KEYS[1])
local head_epoch, head_offset
if head then
  head_epoch, head_offset = string.match(head, '^(%x+) (%d+)$')
end

if head_epoch == epoch then
  -- Ahead of us: newer events came meanwhile. Behind us: the relay is about to publish what is missing, and to move the
  -- head now would make it believe that somebody had.
  if tonumber(head_offset) ~= offset or redis.call('LLEN', KEYS[2]) >= records then
    return { 0, {} }
  end
else
  redis.call('DEL', KEYS[3], KEYS[5])
  if ARGV[6] == '' then
    unpublished = { ARGV[3] }
  else
    redis.call(ARGV[6], KEYS[4], ARGV[3])
  end
end

redis.call('DEL', KEYS[2])
if records > 0 then
  redis.call('RPUSH', KEYS[2], unpack(ARGV, 7))
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
redis.call('SET', KEYS[1], epoch .. ' ' .. ARGV[2], 'PX', ARGV[5])
return { 1, unpublished }
