-- Verifies the models with spin and prints TAP: each must hold, and each of its BUG_ variants
-- must fail. Bounded: 2 GB and 300 s a run. `lua5.4 tests/models/run.lua [MODEL...]`.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")

local MODELS = select("#", ...) > 0 and { ... } or { "call", "futex", "port", "record", "ring" }
local MEMORY_MB, SECONDS, DEPTH = 2048, 300, 200000

local here = "tests/models"

local function command(...)
  local pipe <close> = assert(io.popen(string.format(...) .. " 2>&1; echo status=$?"))
  local text = pipe:read("a")
  return text, tonumber(text:match("status=(%d+)\n$"))
end

local top = command("pwd"):match("[^\n]*")
local work = command("mktemp -d"):match("[^\n]*")
tap.on_done(function() os.execute(("rm -r '%s'"):format(work)) end)

-- The verifier's report for a model built with a define ("" for none).
local function verify(model, define)
  local flag = define == "" and "" or "-D" .. define
  local text, status = command("cd '%s' && rm -f pan* *.trail && spin %s -a '%s/%s/%s.pml' && " ..
    "gcc -O2 -w -DSAFETY -DVECTORSZ=4096 -DMEMLIM=%d -o pan pan.c", work, flag, top, here, model,
    MEMORY_MB)
  tap.check(status == 0, "spin or gcc failed: %s", text)
  -- -n: unreached statements are no news in a model with variants.
  local report = command("cd '%s' && timeout %d ./pan -n -m%d", work, SECONDS, DEPTH)
  local errors = report:match("errors: (%d+)")
  tap.check(errors, "no verdict: %s", report)
  local states = report:match("(%d+) states, stored")
  return tonumber(errors), report, states
end

-- The path to the failure, for people.
local function trail(model, define)
  local text = command("cd '%s' && spin %s -k %s.pml.trail -t -p '%s/%s/%s.pml' | tail -n 60",
    work, define == "" and "" or "-D" .. define, model, top, here, model)
  return text
end

for _, model in ipairs(MODELS) do
  tap.test(model .. " holds", function()
    local errors, report, states = verify(model, "")
    if errors > 0 then error(report .. "\n" .. trail(model, ""), 0) end
    -- A cut search is no proof.
    for _, words in ipairs({ "max search depth too small", "Search not completed",
      "out of memory" }) do
      tap.lacks(report, words, "the report")
    end
    tap.note("%s: %s states", model, states)
  end)
  local source <close> = assert(io.open(("%s/%s.pml"):format(here, model)))
  local seen = {}
  for define in source:read("a"):gmatch("BUG_%u+") do
    if not seen[define] then
      seen[define] = true
      tap.test(("%s with %s fails"):format(model, define), function()
        local errors, report = verify(model, define)
        tap.check(errors > 0, "the bug was not found: %s", report)
      end)
    end
  end
end

tap.done()
