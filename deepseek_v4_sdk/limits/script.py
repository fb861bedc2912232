"""The Lua script that answers a question in the server, at once and by the server's clock.

Its arithmetic is that of `traffic.rate_limiter` and `traffic.reservations`; a test compares them. Four keys
hold a bucket:

| key     | holds                                                                                                  |
|---------|--------------------------------------------------------------------------------------------------------|
| entries | a sorted set: the counted requests of all members, by the time at which each no longer counts           |
| sizes   | a hash: for each of them the number of requests and tokens, and 1 if the server refused it              |
| members | a hash: for each the end of its lease, its running requests, and since and until when it waits           |
| state   | a hash: sums over the entries, what refusals taught, and pauses                                          |

Requests of members that wait go in the order in which these began to wait, one of each in turn.
"""

from __future__ import annotations

__all__ = ["KEYS", "SCRIPT"]

KEYS = ("entries", "sizes", "members", "state")

SCRIPT = """
local ENTRIES, SIZES, MEMBERS, STATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local POLL, PATIENCE, FORGET = 0.025, 1, 3600  -- seconds
local call, question = redis.call, cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local state = {}
local stored = call('HGETALL', STATE)
for i = 1, #stored, 2 do state[stored[i]] = tonumber(stored[i + 1]) end

-- The members whose lease holds, and the ones that wait. The places of others come back.
local known, since, live, running, waiting = false, 0, 1, question.running, {}
stored = call('HGETALL', MEMBERS)
for i = 1, #stored, 2 do
  local lease, runs, from, waits_until = string.match(stored[i + 1], '(%S+) (%S+) (%S+) (%S+)')
  if tonumber(lease) <= now then
    call('HDEL', MEMBERS, stored[i])
  elseif stored[i] == question.member then
    known, since = true, tonumber(from)
  else
    live, running = live + 1, running + tonumber(runs)
    if tonumber(from) > 0 and tonumber(waits_until) > now then waiting[#waiting + 1] = tonumber(from) end
  end
end
if question.joined and not known then return {0} end
if not known and question.members > live then  -- the counts were lost: others will come back, with theirs
  state.expected, state.expected_until = question.members, now + question.lease
end

-- The counted requests.
local requests, tokens, refused = state.requests or 0, state.tokens or 0, state.refused or 0
local function drop(name)
  local size = call('HGET', SIZES, name)
  if not size then return end
  local r, t, f = string.match(size, '(%S+) (%S+) (%S+)')
  requests, tokens, refused = requests - r, tokens - t, refused - f
  call('HDEL', SIZES, name)
  call('ZREM', ENTRIES, name)
end
local function put(name, seconds, r, t, f)
  drop(name)
  if seconds <= 0 then return end
  requests, tokens, refused = requests + r, tokens + t, refused + f
  call('HSET', SIZES, name, string.format('%d %d %d', r, t, f))
  call('ZADD', ENTRIES, now + seconds, name)
end
for _, name in ipairs(call('ZRANGEBYSCORE', ENTRIES, '-inf', now)) do drop(name) end
local prefix = question.member .. ':'
for _, one in ipairs(question.entries) do put(prefix .. one[1], one[2], one[3], one[4], one[5]) end

-- What refusals taught.
local limits = question.limits
local function current(kind)
  local value, allowed = state['learned_' .. kind], limits[kind]
  if not value or not allowed then return allowed end
  local minutes = math.floor((now - state['since_' .. kind]) / 60)
  return math.max(1, math.min(allowed, math.floor(value + math.max(1, allowed * 0.1) * minutes)))
end
local passed = {requests = requests - refused, tokens = tokens, running = running}
for _ = 1, question.refusals do
  for kind, count in pairs(passed) do
    local held = current(kind)
    if held then
      state['learned_' .. kind] = math.min(held, math.max(count, held / 2))
      state['since_' .. kind] = now
    end
  end
end
state.paused = math.max(state.paused or 0, now + question.paused)
state.opened = math.max(state.opened or 0, now + question.opened)

-- The requests that wait.
local function allowed(kind)
  local value = current(kind)
  if value and now < (state.expected_until or 0) and live < state.expected then
    value = math.max(1, math.floor(value * live / state.expected))
  end
  return value or math.huge
end
local asked, granted, ahead = question.asked, 0, 0
if #asked == 0 then
  since = 0
elseif not question.begins then
  since = 1  -- before all others: the server has accepted it already
elseif since == 0 then
  since = now
end
for _, from in ipairs(waiting) do
  if from < since then ahead = ahead + 1 end
end
local most_requests, most_tokens, most_running = allowed('requests'), allowed('tokens'), allowed('running')
local function missing(size)
  local many, much = requests + 1 - most_requests, tokens + size - math.max(size, most_tokens)
  if not limits.tokens then much = 0 end
  return many, much
end
local free = function() return not question.begins or running < most_running end
if ahead == 0 and state.paused <= now then
  for _, one in ipairs(asked) do
    local name = prefix .. one[1]
    if not call('ZSCORE', ENTRIES, name) then  -- else an earlier answer was lost
      local many, much = missing(one[2])
      if many > 0 or much > 0 or not free() then break end
      put(name, question.lasts, 1, one[2], 0)
    end
    granted = granted + 1
    if question.begins then running = running + 1 end
    if #waiting > 0 then break end
  end
end
local wait, retry = 0, 0
if granted < #asked then
  if granted > 0 then since, ahead = now, #waiting end  -- the next one waits until the others had theirs
  if not free() then
    wait, retry = -1, POLL * (ahead + 1)
  else
    wait = math.max(0, state.paused - now)
    local many, much = missing(asked[granted + 1][2])
    many = many + ahead
    local from = 0
    while many > 0 or much > 0 do
      local some = call('ZRANGE', ENTRIES, from, from + 99, 'WITHSCORES')
      if #some == 0 then break end
      for i = 1, #some, 2 do
        if many <= 0 and much <= 0 then break end
        local r, t = string.match(call('HGET', SIZES, some[i]), '(%S+) (%S+)')
        many, much, wait = many - r, much - t, math.max(wait, some[i + 1] - now)
      end
      from = from + 100
    end
  end
  if wait >= 0 then  -- an entry may leave earlier, when the head of its answer arrives
    retry = math.max(math.min(wait, question.window / 60), ahead > 0 and POLL / 5 or 0)
  end
elseif #asked > 0 then
  since = 0
end

state.requests, state.tokens, state.refused = requests, tokens, refused
stored = {}
for name, value in pairs(state) do
  stored[#stored + 1] = name
  stored[#stored + 1] = value
end
call('HSET', STATE, unpack(stored))
if question.lease > 0 then
  local mine = question.running + (question.begins and granted or 0)
  local record = string.format('%.6f %d %.6f %.6f', now + question.lease, mine, since, now + retry + PATIENCE)
  call('HSET', MEMBERS, question.member, record)
else
  call('HDEL', MEMBERS, question.member)
end
for i = 1, 4 do call('EXPIRE', KEYS[i], FORGET) end
local function text(value) return string.format('%.6f', value) end
local function learned(kind) return current(kind) or 0 end
return {1, granted, live, text(wait), text(retry), learned('requests'), learned('tokens'), learned('running'),
        text(math.max(0, state.paused - now)), text(math.max(0, state.opened - now))}
"""
