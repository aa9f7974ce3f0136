-- The hot paths take no more instructions than tests/bench/expect.lua says (5 % allowed). Counted,
-- not timed, so a busy machine changes nothing; `scons bench` measures the rest.

package.path = "tests/bench/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local measure = require("measure")

local ROWS = { "null-call", "event-read", "clock", "call", "futex", "thread", "spawn-tiny", "spawn-lua",
  "sh-true", "sh-1000-builtin", "sh-1000-external", "find-all", "open-image", "open-tmp", "read-4KiB",
  "map-1MiB", "far-touch", "far-map", "pipe-64KiB", "pipe-1B", "big-file", "sleepers" }
local CALL_LIMIT = 1500 -- a call and its reply, whatever expect.lua says

local expected = dofile("tests/bench/expect.lua")
local counts

tap.test("the bench runs to its end", function()
  counts = measure.instructions(ROWS)
  for name, count in pairs(measure.instructions(measure.HTTP)) do counts[name] = count end
  for _, list in ipairs { ROWS, measure.HTTP } do
    for _, name in ipairs(list) do tap.check(counts[name], "%s was not measured", name) end
  end
end)

tap.test("no path grew", function()
  local grown, missing = measure.compare(counts, expected)
  tap.check(#missing == 0, "tests/bench/expect.lua has no %s", table.concat(missing, ", "))
  tap.check(#grown == 0, "%s", table.concat(grown, "; "))
end)

tap.test("a call and its reply take at most 1,500 instructions", function()
  tap.note("%d", counts.call)
  tap.check(counts.call <= CALL_LIMIT, "%d instructions", counts.call)
end)

tap.done()
