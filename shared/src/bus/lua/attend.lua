-- Writes down that somebody has come to a node, or has left it.
--
-- KEYS[1]  present: hash from a person's id to the nodes that have them, apart by spaces
-- ARGV[1]  the person's id
-- ARGV[2]  "+" has come, "-" has left
-- ARGV[3]  the node
-- ARGV[4]  and on: the other nodes that there are; whatever else is listed was left behind by one that nobody remembers
--
-- Returns the number of other nodes that have the person; -1 if there are none and "-" found nothing to take away.

local others = {}
for index = 4, #ARGV do
  others[ARGV[index]] = true
end

local was_here = false
local kept = {}
for node in string.gmatch(redis.call('HGET', KEYS[1], ARGV[1]) or '', '%x+') do
  if node == ARGV[3] then
    was_here = true
  elseif others[node] then
    kept[#kept + 1] = node
  end
end
local elsewhere = #kept

if ARGV[2] == '+' then
  kept[#kept + 1] = ARGV[3]
end
if #kept > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], table.concat(kept, ' '))
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
if ARGV[2] == '-' and not was_here and elsewhere == 0 then
  return -1
end
return elsewhere
