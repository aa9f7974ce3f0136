-- What the guest said while servers died: lines of the agent and of the load, and what they prove.
local M = {}

local function percentile(sorted, share)
  return sorted[math.max(1, math.ceil(#sorted * share))] or 0
end

-- One line for a list of microseconds.
local function describe(name, list)
  table.sort(list)
  return ("%-11s %3d recoveries, p50 %.1f ms, p99 %.1f ms, longest %.1f ms"):format(name, #list,
    percentile(list, 0.5) / 1000, percentile(list, 0.99) / 1000, (list[#list] or 0) / 1000)
end

-- The acknowledgement of a writer follows the last one. Lines that cannot be read leave gaps.
local function acknowledge(result, number, sequence)
  local writer = result.acknowledged[number] or { last = 0, missing = 0 }
  result.acknowledged[number] = writer
  if sequence <= writer.last then
    writer.problem = ("writer %d acknowledged %d after %d"):format(number, sequence, writer.last)
  end
  writer.missing = writer.missing + sequence - writer.last - 1
  writer.last = math.max(writer.last, sequence)
end

-- text -> recoveries, times by name, deaths by name, trouble, errors, operations[kind][number],
-- acknowledged[number].last, refused lines that were typed, unreadable
function M.read(text)
  local result = { recoveries = 0, deaths = {}, trouble = {}, errors = {}, operations = {}, refused = {},
    acknowledged = {}, unreadable = 0, summary = {} }
  local times, alone, overlapping = {}, {}, {}
  for whole in text:gsub("\r", ""):gmatch("[^\n]+") do
    local line = whole:match("@%u .*$") or "" -- behind a prompt, or what is being typed
    local name, how, us = line:match("^@R (%l+) ([%l-]+) (%d+)$")
    local number, sequence, check = line:match("^@A (%d+) (%d+) (%d+)$")
    local kind, who, count = line:match("^@L (%l+) (%d+) (%d+)$")
    local total = line:match("^@D (%d+)$")
    local typed, status = line:match("^@K (%l%d+) (%d+)%.$")
    if name then
      times[name] = times[name] or {}
      table.insert(times[name], tonumber(us))
      table.insert(how:find("-other", 1, true) and overlapping or alone, tonumber(us))
      result.deaths[name] = (result.deaths[name] or 0) + (how:find("early") and 2 or 1)
    elseif number and (tonumber(sequence) * 31 + tonumber(number)) % 997 == tonumber(check) then
      acknowledge(result, tonumber(number), tonumber(sequence))
    elseif kind then
      result.operations[kind] = result.operations[kind] or {}
      result.operations[kind][tonumber(who)] = tonumber(count)
    elseif total then
      result.recoveries = tonumber(total)
    elseif typed then
      if status ~= "0" then table.insert(result.refused, ("%s: status %s"):format(typed, status)) end
    elseif line:find("^@X ") then
      table.insert(result.trouble, line)
    elseif line:find("^@E ") then
      table.insert(result.errors, line)
    elseif line ~= "" and not line:find("^@[BFK] ") then
      result.unreadable = result.unreadable + 1
    end
  end
  for name, list in pairs(times) do table.insert(result.summary, describe(name, list)) end
  table.sort(result.summary)
  table.insert(result.summary, 1, describe("alone", alone))
  table.insert(result.summary, 2, describe("two at once", overlapping))
  return result
end

-- The records of a writer's file: nil and the last number, or what is wrong with them.
function M.check_records(text, number)
  local expected = 1
  for line in text:gmatch("[^\n]+") do
    local writer, record = line:match("^(%d+) (%d+)$")
    if tonumber(writer) ~= number or tonumber(record) ~= expected then
      return ("writer %d: %q where record %d should be"):format(number, line, expected)
    end
    expected = expected + 1
  end
  return nil, expected - 1
end

-- What `svc logs` says of the talker: the number of lines, or nil and what is wrong with them. The first
-- ones may be gone.
function M.check_talk(text, number)
  local expected, count = nil, 0
  for line in text:gmatch("[^\n]+") do
    local said, check = line:match("^%[%d+%] T (%d+) (%d+)$")
    if said then
      said, count = tonumber(said), count + 1
      if (said * 31 + number) % 997 ~= tonumber(check) or said ~= (expected or said) then
        return nil, ("%q where line %d should be"):format(line, expected or 0)
      end
      expected = said + 1
    elseif line:find(" T ", 1, true) then
      return nil, ("%q is no line of it"):format(line)
    end
  end
  return count
end

return M
