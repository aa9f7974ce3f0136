-- Test files in TAP, one subtest a function.
--
--   local tap = require("tap")
--   tap.test("name", function() tap.equal(1 + 1, 2) end)
--   tap.done()
--
-- A test passes when its function returns. tap.check and its relatives raise on failure, so the
-- first wrong fact ends the test that found it; the next one runs. An error's text, and what
-- the functions given to tap.on_failure return, are printed as diagnostics.

local M = {}

local count, failures = 0, 0
local reporters, finishers = {}, {}

local function diagnose(text)
  for line in (tostring(text) .. "\n"):gmatch("(.-)\r*\n") do
    line = line:gsub("\t", "    "):gsub("%c", function(c) return ("\\x%02x"):format(c:byte()) end)
    print("# " .. line)
  end
end

--- Text added to the diagnostics of a failing test: report() returns it or nil.
function M.on_failure(report) reporters[#reporters + 1] = report end

--- Called once at the end, also when the file itself failed.
function M.on_done(finish) finishers[#finishers + 1] = finish end

function M.note(...) diagnose(string.format(...)) end

local function where()
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return "" end
    if info.currentline > 0 and not info.source:find("lib/tap.lua", 1, true) then
      return ("%s:%d: "):format(info.short_src, info.currentline)
    end
    level = level + 1
  end
end

--- Raises unless the fact holds. The message is made with string.format.
function M.check(fact, message, ...)
  if not fact then error(where() .. (message or "check failed"):format(...), 0) end
  return fact
end

local function show(value)
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

function M.equal(got, wanted, what)
  if got ~= wanted then
    error(("%s%s is %s, not %s"):format(where(), what or "value", show(got), show(wanted)), 0)
  end
end

--- True if both are the same value of the same kind, tables by what is in them.
function M.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
  for key, value in pairs(a) do
    if not M.same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- Raises unless the text has the words (plain) in it.
function M.contains(text, words, what)
  if not tostring(text):find(words, 1, true) then
    error(("%s%s lacks %s: %s"):format(where(), what or "text", show(words), show(text)), 0)
  end
end

function M.lacks(text, words, what)
  if tostring(text):find(words, 1, true) then
    error(("%s%s has %s: %s"):format(where(), what or "text", show(words), show(text)), 0)
  end
end

--- Raises unless the text matches the Lua pattern; returns the captures.
function M.matches(text, pattern, what)
  if not tostring(text):find(pattern) then
    error(("%s%s does not match %s: %s"):format(where(), what or "text", show(pattern),
      show(text)), 0)
  end
  return text:match(pattern)
end

--- Runs one test. Returns true when it passed.
function M.test(name, body)
  count = count + 1
  local ok, failure = xpcall(body, function(failure)
    if type(failure) == "string" and not failure:find("^%[string") and failure:find(":%d+: ") then
      return failure
    end
    return debug.traceback(tostring(failure), 2)
  end)
  name = name:gsub("#", "\\#")
  print(("%s %d - %s"):format(ok and "ok" or "not ok", count, name))
  if not ok then
    failures = failures + 1
    diagnose(failure)
    for _, report in ipairs(reporters) do
      local text = report()
      if text then diagnose(text) end
    end
  end
  io.stdout:flush()
  return ok
end

--- A test that cannot run here, with the reason.
function M.skip(name, reason)
  count = count + 1
  print(("ok %d - %s # SKIP %s"):format(count, name, reason))
end

--- Ends the file: the plan, the clean-up, the exit status.
function M.done()
  for _, finish in ipairs(finishers) do finish() end
  print("1.." .. count)
  os.exit(failures == 0 and 0 or 1)
end

--- Ends the file at once: nothing after this makes sense.
function M.bail(reason)
  for _, finish in ipairs(finishers) do finish() end
  print("Bail out! " .. reason)
  os.exit(2)
end

return M
