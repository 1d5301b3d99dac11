-- Appends durable events to their channels' tails, each at exactly its offset, and publishes them.
--
-- Five keys for each event:
--   head: "<epoch> <offset>" of the last event that went out
--   tail: list of the last records, the newest at the right, without holes
--   waiting: hash from offset to record, events that came before their predecessor
--   the Pub/Sub channel; named as a key so that a cluster routes the script to its shard
--   mirrors: what is true of the channel's owner as of the head, see `mirror`
-- ARGV[1]  what publishes: PUBLISH, in a cluster SPUBLISH; empty where Pub/Sub is on another server
-- and three for each event: its epoch, its offset, its record
--
-- Before it stand, because they never change:
--   TAIL_EVENTS_MAX      records that a tail keeps
--   TAIL_LIFETIME_MS     that a tail lives after its last event
--   HEAD_LIFETIME_MS     that a head lives after its last event
--   WAITING_EVENTS_MAX   events that may wait
--   WAITING_LIFETIME_MS  that they may wait, counted from the first
--
-- Returns for each event 0 published, 1 repeat, 2 waiting, 3 refused because too many wait; and what the caller has to
-- publish, each with the number of its event.

local verb = ARGV[1]
local outcomes, unpublished = {}, {}

-- Lua writes large numbers as 1e+15; offsets go up to 2^53.
local function field(number)
  return string.format('%.0f', number)
end

-- The offset that a head tells, if it is of this epoch.
local function offset_of(head, epoch)
  if string.sub(head, 1, #epoch + 1) == epoch .. ' ' then
    return tonumber(string.sub(head, #epoch + 2))
  end
end

local function wait(waiting, offset, record)
  if redis.call('HEXISTS', waiting, offset) == 1 then
    return 2
  end
  local count = redis.call('HLEN', waiting)
  if count >= WAITING_EVENTS_MAX then
    return 3
  end
  redis.call('HSET', waiting, offset, record)
  if count == 0 then
    redis.call('PEXPIRE', waiting, WAITING_LIFETIME_MS)
  end
  return 2
end

-- Takes what waits at this offset out.
local function take(waiting, offset)
  local record = redis.call('HGET', waiting, offset)
  if record then
    redis.call('HDEL', waiting, offset)
  end
  return record
end

local function append(number, head, tail, waiting, stream, mirrors, epoch, offset, record)
  local at, last = tonumber(offset), nil
  local known = redis.call('GET', head)
  if known then
    last = offset_of(known, epoch)
    if not last then
      -- The log began another life: what waits belongs to the old one.
      redis.call('DEL', waiting)
    end
  end
  if not last then
    -- An empty Redis takes what comes first. Whoever lacks what was before reads it from the log.
    redis.call('DEL', tail, mirrors)
    last = at - 1
  end
  if at <= last then
    return 1
  end
  if at > last + 1 then
    return wait(waiting, offset, record)
  end

  -- In order: the event itself, then everything that waited right behind it.
  local successors = redis.call('EXISTS', waiting) == 1
  local kept
  repeat
    if string.find(record, '^%w+ %w+! ') then
      -- A control event changes what the mirrors show.
      redis.call('DEL', mirrors)
    end
    kept = redis.call('RPUSH', tail, record)
    if verb == '' then
      unpublished[#unpublished + 1] = { number, record }
    else
      redis.call(verb, stream, record)
    end
    record = nil
    if successors then
      record = take(waiting, field(at + 1))
    end
    if record then
      at = at + 1
      offset = field(at)
    end
  until not record

  if kept > TAIL_EVENTS_MAX then
    redis.call('LTRIM', tail, -TAIL_EVENTS_MAX, -1)
  end
  redis.call('PEXPIRE', tail, TAIL_LIFETIME_MS)
  redis.call('SET', head, epoch .. ' ' .. offset, 'PX', HEAD_LIFETIME_MS)
  return 0
end

for number = 1, #KEYS / 5 do
  local key, argument = number * 5 - 4, number * 3 - 1
  outcomes[number] = append(
    number,
    KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], KEYS[key + 4],
    ARGV[argument], ARGV[argument + 1], ARGV[argument + 2]
  )
end
return { outcomes, unpublished }
