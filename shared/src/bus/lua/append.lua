-- Appends durable events to their channels' tails, each at exactly its offset, and publishes them.
--
-- KEYS, five for each event:
--   head: "<epoch> <offset>" of the last event that went out
--   tail: list of the last records, the newest at the right, without holes
--   waiting: hash from offset to record, events that came before their predecessor
--   the Pub/Sub channel; named as a key so that a cluster routes the script to its shard
--   mirrors: what is true of the channel's owner as of the head, see `mirror`
-- ARGV[1]        what publishes: PUBLISH, in a cluster SPUBLISH; empty where Pub/Sub is on another server
-- ARGV[2] and on three for each event: the head that it follows, the head that it makes, its record
--
-- Before it stand, because they never change:
--   TAIL_EVENTS_MAX      records that a tail keeps
--   TAIL_LIFETIME_MS     that a tail lives after its last event
--   HEAD_LIFETIME_MS     that a head lives after its last event
--   WAITING_EVENTS_MAX   events that may wait
--   WAITING_LIFETIME_MS  that they may wait, counted from the first
--
-- Returns for each event 0 published, 1 repeat, 2 waiting, 3 refused because too many wait; and what the caller has to
-- publish, each with the number of its event. An error if one of them could not be done; the others are.
--
-- Nearly every event follows the head: nothing is taken apart for it, and nothing put together.

local call = redis.call
local verb = ARGV[1]
local outcomes, unpublished = {}, {}

-- Lua writes large numbers as 1e+15; offsets go up to 2^53.
local function field(number)
  return string.format('%.0f', number)
end

local function parse(head)
  local epoch, offset = string.match(head, '^(%x+) (%d+)$')
  return epoch, tonumber(offset)
end

local function wait(waiting, offset, record)
  if call('HEXISTS', waiting, offset) == 1 then
    return 2
  end
  local count = call('HLEN', waiting)
  if count >= WAITING_EVENTS_MAX then
    return 3
  end
  call('HSET', waiting, offset, record)
  if count == 0 then
    call('PEXPIRE', waiting, WAITING_LIFETIME_MS)
  end
  return 2
end

-- An event that does not follow the head. Returns its outcome, or nothing where it is the first.
local function stray(known, following, tail, waiting, mirrors, record)
  local epoch, offset = parse(following)
  if known then
    local known_epoch, last = parse(known)
    if known_epoch == epoch then
      return offset <= last and 1 or wait(waiting, field(offset), record)
    end
    -- The log began another life: what waits belongs to the old one.
    call('DEL', waiting)
  end
  -- An empty Redis takes what comes first. Whoever lacks what was before reads it from the log.
  call('DEL', tail, mirrors)
end

-- Returns how many are in the tail.
local function go_out(number, tail, stream, mirrors, record)
  if string.find(record, '^%w+ %w+! ') then
    -- A control event changes what the mirrors show.
    call('DEL', mirrors)
  end
  local kept = call('RPUSH', tail, record)
  if verb == '' then
    unpublished[#unpublished + 1] = { number, record }
  else
    call(verb, stream, record)
  end
  return kept
end

local function append(number, head, tail, waiting, stream, mirrors, followed, following, record)
  local known = call('GET', head)
  if known ~= followed then
    local outcome = stray(known, following, tail, waiting, mirrors, record)
    if outcome then
      return outcome
    end
  end
  local kept = go_out(number, tail, stream, mirrors, record)
  if call('EXISTS', waiting) == 1 then
    -- What waited right behind it.
    local epoch, offset = parse(following)
    while true do
      local next = field(offset + 1)
      local successor = call('HGET', waiting, next)
      if not successor then
        break
      end
      call('HDEL', waiting, next)
      kept = go_out(number, tail, stream, mirrors, successor)
      offset = offset + 1
    end
    following = epoch .. ' ' .. field(offset)
  end
  if kept > TAIL_EVENTS_MAX then
    call('LTRIM', tail, -TAIL_EVENTS_MAX, -1)
  end
  call('PEXPIRE', tail, TAIL_LIFETIME_MS)
  call('SET', head, following, 'PX', HEAD_LIFETIME_MS)
  return 0
end

local failure
for number = 1, #KEYS / 5 do
  local key, argument = number * 5 - 4, number * 3 - 1
  -- A channel whose keys are broken holds up no other.
  local done, outcome = pcall(
    append,
    number,
    KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], KEYS[key + 4],
    ARGV[argument], ARGV[argument + 1], ARGV[argument + 2]
  )
  if done then
    outcomes[number] = outcome
  else
    failure = outcome
  end
end
if failure then
  return type(failure) == 'table' and failure or redis.error_reply(failure)
end
return { outcomes, unpublished }
