-- init's side of what services print, with a logd that is played: what it is told of a log's size, and which
-- lines count for a process that is started.

package.path = "tests/lib/?.lua;lua/?.lua;scripts/guest/?.lua;" .. package.path
local tap = require("tap")

local MILLISECOND = 1000000
local now = 0
local attached   -- sizes logd was told
local answers    -- what `lines` answers, in order; false: nothing
local asked      -- line numbers it was asked from

local swos = { LOG_FOLLOW = 1, PAGE = 4096, sys = {} }
function swos.monotonic() return now end
function swos.deadline(seconds) return now + math.floor(seconds * 1000 * MILLISECOND) end
function swos.sys.pipe_create() return "printed", "printer" end
local protocol = { log = {} }
function protocol.log.attach(_, request)
  attached[#attached + 1] = request.size
  return {}
end
function protocol.log.lines(_, request)
  asked[#asked + 1] = request.sequence
  local answer = table.remove(answers, 1)
  if not answer then return nil, "timed out", "TIMED_OUT" end
  return answer
end
package.loaded.swos, package.loaded["swos.protocol"] = swos, protocol
package.loaded["swos.loop"] = { spawn = function(action) action() end,
  sleep = function(seconds) now = now + math.floor(seconds * 1000 * MILLISECOND) end }
package.loaded["init.directory"] = { connection = function()
  return setmetatable({}, { __close = function() end })
end }
package.loaded["init.kept"] = { own = function() end, replace = function() end }
package.loaded["init.log"] = { warning = function(...) error(string.format(...)) end }
local logs = require("init.logs")

local function fresh()
  attached, answers, asked, now = {}, {}, {}, 5000 * MILLISECOND
  return { name = "x", number = 1, definition = { log = 4096 } }
end

tap.test("another size of the log counts from the next start of the service, not of logd", function()
  local service = fresh()
  logs.served()
  logs.printer(service)
  logs.printer(service)
  tap.equal(table.concat(attached, " "), "4096")
  service.definition = { log = 8192 }
  tap.equal(table.concat(attached, " "), "4096")
  logs.printer(service)
  logs.printer(service)
  tap.equal(table.concat(attached, " "), "4096 8192")
  logs.served()
  tap.equal(table.concat(attached, " "), "4096 8192 8192")
  logs.forget(service)
end)

tap.test("lines count from the number logd gave before the start", function()
  local service = fresh()
  answers = { { next = 42, data = "" },
    { next = 43, data = "[1] no\n" }, { next = 44, data = "[1] here I am\n" } }
  local first = logs.next_line(service)
  tap.equal(first.number, 42)
  tap.check(logs.await(service, "here", first, function() return true end))
  tap.equal(table.concat(asked, " "), "-1 42 43")
end)

tap.test("when logd did not say, lines older than the start do not count", function()
  local service = fresh()
  answers = { false,
    { next = 8, data = "-- 3 lines of here are gone --\n[4999] here, an old one\n[5000] no\n" },
    false, { next = 9, data = "[5001] here\n" } }
  local first = logs.next_line(service)
  tap.equal(first.since, 5000)
  tap.check(logs.await(service, "here", first, function() return true end))
  tap.equal(table.concat(asked, " "), "-1 0 8 8")
  tap.equal(#answers, 0)
  -- nothing that counts: it waits as long as it is to
  answers = { { next = 8, data = "[4999] here\n" } }
  local left = 5
  tap.equal(logs.await(service, "here", { since = 5000 }, function()
    left = left - 1
    return left > 0
  end), false)
end)

tap.done()
