-- Service scripts as data: the schema's checks and messages, lines of keys, plain data as bytes, and
-- the scripts of the image.
package.path = "tests/lib/?.lua;lua/?.lua;" .. package.path
local tap = require("tap")
local lines = require("swos.service.lines")
local plain = require("swos.service.plain")
local schema = require("swos.service.schema")

local function problems(data, origin)
  local definition, list = schema.check(data, origin or "tmp")
  if definition then return "" end
  for i, problem in ipairs(list) do list[i] = problem.path .. ": " .. problem.text end
  return table.concat(list, "\n")
end

-- The problems of a good script with one thing changed.
local function with(key, value, origin)
  local data = { program = "/bin/x" }
  data[key] = value
  return problems(data, origin)
end

tap.test("a short script is completed with defaults", function()
  local d = tap.check(schema.check({ program = "/bin/x" }, "tmp"))
  tap.equal(d.ready, "started")
  tap.equal(d.restart, "always")
  tap.equal(d.log, 16384)
  tap.equal(d.stop_seconds, 5)
  tap.equal(#d.requires, 0)
  tap.equal(d.limits.memory, nil)
  tap.equal(schema.check({ program = "/bin/x", oneshot = true }, "tmp").restart, "failure")
  tap.equal(schema.check({ program = "/bin/x", limits = { memory = "2M" } }, "tmp").limits.memory, 2 << 20)
end)

tap.test("readiness and probes by the network", function()
  local d = tap.check(schema.check({ program = "/bin/x", ready = { port = 80, http = "/ready?x=1" },
    probe = { port = 81 } }, "tmp"))
  tap.equal(d.ready.port, 80)
  tap.equal(d.ready.http, "/ready?x=1")
  tap.equal(d.probe.port, 81)
  tap.equal(d.probe.http, nil)
  tap.equal(d.probe.seconds, 10)
  tap.equal(d.probe.timeout, 5)
  tap.equal(d.probe.failures, 3)
  tap.equal(schema.check({ program = "/bin/x", ready = { port = 1 } }, "tmp").ready.http, nil)
  tap.equal(schema.check({ program = "/bin/x" }, "tmp").probe, nil)
end)

tap.test("a wrong value of every key says what was expected", function()
  local WRONG = {
    { "program", 1, "the absolute path of a program of the image, got 1" },
    { "program", "bin/x", 'got "bin/x"' },
    { "program", "bundle:blkd", 'got "bundle:blkd"' },
    { "description", {}, "a string of 1 to 96 bytes, got a table" },
    { "arguments", "x", "a list of at most 24" },
    { "arguments", { "a", 2 }, "arguments[2]: expected a string" },
    { "arguments", { [3] = "a" }, "without holes" },
    { "arguments", { a = "b" }, 'got the key "a"' },
    { "arguments", { ("x"):rep(1025) }, "a string of 1 to 1024 bytes" },
    { "requires", { "a", "b", "c", "d", "e", "f", "g", "h", "i" }, "a list of at most 8" },
    { "arguments", { "a\0b" }, "arguments[1]" },
    { "environment", { "=x" }, "environment[1]: expected NAME=VALUE" },
    { "capabilities", { "root" }, 'capabilities[1]: expected one of "console"' },
    { "names", { "A" }, "names[1]" },
    { "folders", { "www" }, "folders[1]: expected the absolute path of a folder" },
    { "folders", { "/" }, "folders[1]" },
    { "folders", { "/a/" }, "folders[1]" },
    { "net", "all", "net: expected a table" },
    { "net", { listen = { 70000 } }, "net.listen[1]: expected a whole number from 1 to 65535, got 70000" },
    { "serves", "", "serves: expected a name of the service directory" },
    { "gives", { "uart" }, "for scripts of the image only" },
    { "gives", { "gold" }, "gives[1]: expected one of" },
    { "needs", "gold", 'needs: expected one of "uart"' },
    { "needs", "rng", "for scripts of the image only" },
    { "requires", { "B C" }, "requires[1]: expected the name of a service" },
    { "wants", true, "wants: expected a list" },
    { "after", { 1 }, "after[1]" },
    { "ready", "soon", 'ready: expected "started", "message"' },
    { "ready", { line = 4 }, "ready.line: expected" },
    { "ready", { line = "x", port = 4 }, "ready" },
    { "ready", { line = "x", http = "/" }, "ready: expected" },
    { "ready", { port = 65536 }, "ready.port: expected a whole number from 1 to 65535" },
    { "ready", { http = "/" }, "ready: expected" },
    { "ready", { port = 80, http = "x" }, "ready.http: expected a path that starts with /" },
    { "ready", { port = 80, http = "/a b" }, "ready.http: expected a path that starts with /, without" },
    { "ready", { port = 80, seconds = 1 }, "ready.seconds: unknown key" },
    { "ready", {}, "ready: expected" },
    { "start_seconds", 0, "a whole number from 1 to 3600, got 0" },
    { "start_seconds", 1.5, "got 1.5" },
    { "probe", { http = "/" }, "probe.port: missing" },
    { "probe", { port = 80, http = "/\r\nHost: x" }, "probe.http: expected" },
    { "probe", { port = 80, timeout = 61 }, "probe.timeout: expected a whole number from 1 to 60, got 61" },
    { "probe", { port = 80, failures = 0 }, "probe.failures: expected" },
    { "probe", { port = 80, seconds = 0 }, "probe.seconds: expected" },
    { "probe", { port = 0 }, "probe.port: expected a whole number" },
    { "probe", {}, "probe.port: missing" },
    { "probe", 1, "probe: expected a table like" },
    { "overdue", 7, "overdue: only for a service that has `serves`" },
    { "restart", "sometimes", 'restart: expected one of "always", "failure", "never"' },
    { "final", { 0 }, "final[1]: expected a whole number from 1 to 255" },
    { "oneshot", 1, "oneshot: expected true or false, got 1" },
    { "stop_seconds", "5", "stop_seconds" },
    { "limits", { memory = "12Q" }, 'limits.memory: expected a size from 256K to 64G' },
    { "limits", { memory = 5 }, "limits.memory" },
    { "limits", { threads = -1 }, "limits.threads" },
    { "limits", { memry = "1M" }, "limits.memry: unknown key; did you mean memory?" },
    { "limits", 4, "limits: expected a table" },
    { "band", "fast", "band: expected one of" },
    { "band", "drivers", "band: \"drivers\" is for scripts of the image only" },
    { "log", "1K", "log: expected a size from 4K to 256K" },
  }
  local tested = {}
  for _, row in ipairs(WRONG) do
    tap.contains(with(row[1], row[2]), row[3], row[1])
    tested[row[1]] = true
  end
  for _, key in ipairs(schema.keys) do tap.check(tested[key.name], "no wrong value of %s is tested",
    key.name) end
end)

tap.test("unknown keys, near and far; what is missing; what is no table", function()
  tap.equal(with("argumnets", {}), "argumnets: unknown key; did you mean arguments?")
  tap.equal(with("arguments ", {}), "arguments : unknown key; did you mean arguments?")
  tap.equal(with("colour", 1), "colour: unknown key")
  tap.equal(with(1, "x"), "1: unknown key")
  tap.contains(problems({}), "program: missing; expected the absolute path")
  tap.contains(problems("x"), 'expected the script to return a table, got "x"')
  tap.contains(problems({ program = "/x", oneshot = true, ready = "message" }), "ready: not for a oneshot")
  tap.contains(problems({ program = "/x", oneshot = true, probe = { port = 1 } }), "probe: not for a oneshot")
  tap.contains(problems({ program = "/x", oneshot = true, restart = "always" }), "restart: a oneshot")
end)

tap.test("only the image may give authorities", function()
  tap.equal(with("gives", { "uart" }, "image"), "")
  tap.equal(with("band", "drivers", "image"), "")
  tap.equal(with("program", "bundle:blkd", "image"), "")
end)

tap.test("the scripts of the image are good, and the boot list names them", function()
  local pipe <close> = assert(io.popen("ls etc/swos/services/*.lua"))
  local found = {}
  for path in pipe:lines() do
    local definition, list = schema.check(dofile(path), "image")
    tap.check(definition, "%s: %s", path, list and list[1].path .. ": " .. list[1].text)
    found[path:match("([^/]+)%.lua$")] = true
  end
  for _, name in ipairs(dofile("etc/swos/boot.lua").start) do tap.check(found[name], "no script of %s",
    name) end
  tap.check(not found.sh, "what is not there")
end)

tap.test("the page has every key", function()
  local page = schema.page()
  for _, key in ipairs(schema.keys) do
    tap.contains(page, ("| `%s` |"):format(key.name))
    tap.check(key.doc and key.doc:find("%.$"), "%s has no sentence", key.name)
  end
end)

local SOURCE = [==[
-- return { program = 1 }
local t = { program = "no" }
local function f() return { zz = 3 } end
return {
  program = "/bin/x", -- c
  ["names"] = { "a",
     "b", f(),
     "c" },
  limits = { memory = "1M",
    handles = 3 },
  arguments = { --[[ x = 1
   ]] [[
   long = 4
   ]], "q = {" },
  oneshot = 1 == 2,
  final = { 1,
    2 }; log = "4K"
}
]==]

tap.test("lines of keys", function()
  local map = lines.map(SOURCE)
  local WANTED = { [""] = 4, program = 5, names = 6, ["names[1]"] = 6, ["names[2]"] = 7, ["names[3]"] = 7,
    ["names[4]"] = 8, limits = 9, ["limits.memory"] = 9, ["limits.handles"] = 10, arguments = 11,
    ["arguments[1]"] = 12, ["arguments[2]"] = 14, oneshot = 15, final = 16, ["final[1]"] = 16,
      ["final[2]"] = 17,
    log = 17 }
  for path, line in pairs(WANTED) do tap.equal(map[path], line, path) end
  for path in pairs(map) do tap.check(WANTED[path], "%s is no key", path) end
  tap.equal(lines.line_of(map, "limits.weight"), 9)
  tap.equal(lines.line_of(map, "names[9]"), 6)
  tap.equal(lines.line_of(map, "colour"), 4)
  tap.equal(lines.line_of({}, "x.y[1]"), 1)
end)

tap.test("any text has lines, in one pass", function()
  math.randomseed(7)
  local pieces = { "return", "{", "}", "[", "]", "=", ",", "a", "\n", "[[", "]]", "--", "--[[", '"', "'",
    "\\", "(", " " }
  for _ = 1, 2000 do
    local text = {}
    for i = 1, math.random(40) do text[i] = pieces[math.random(#pieces)] end
    lines.map(table.concat(text))
  end
  local before = os.clock()
  lines.map("return {" .. ("a={"):rep(20000) .. ("x=1,"):rep(20000))
  tap.check(os.clock() - before < 5, "60,000 tokens took %g s", os.clock() - before)
end)

tap.test("plain data comes back as it was", function()
  for _, value in ipairs { true, false, 0, -1, math.mininteger, 1.5, "", "a\0b", {}, { 1, 2,
    { x = { y = "z" } } } } do
    local got = plain.decode(plain.encode(value))
    tap.check(tap.same(value, got), "%s", tostring(value))
  end
  tap.check(not pcall(plain.encode, print), "a function was encoded")
  local deep = {}
  deep.deep = deep
  tap.check(not pcall(plain.encode, deep), "a cycle was encoded")
end)

tap.test("bytes that are no value are refused", function()
  local good = plain.encode({ a = { 1, "two", true }, [3] = 4.5 })
  for length = 0, #good - 1 do tap.check(plain.decode(good:sub(1, length)) == nil, "cut at %d", length) end
  tap.check(plain.decode(good .. "T") == nil, "with a second value")
  tap.check(plain.decode(("{s\0\0\0\0"):rep(9) .. "T" .. ("}"):rep(9)) == nil, "nested too deep")
  tap.check(plain.decode("{" .. ("TT"):rep(plain.VALUES) .. "}") == nil, "too many values")
  tap.check(plain.decode("{n\0\0\0\0\0\0\xf8\x7fT}") == nil, "not a number as a key")
  math.randomseed(1)
  for _ = 1, 20000 do
    local at = math.random(#good)
    plain.decode(good:sub(1, at - 1) .. string.char(math.random(0, 255)) .. good:sub(at + 1))
  end
end)

tap.test("many unknown keys, or long ones, are told without much work", function()
  local script, steps = { program = "/bin/x" }, 0
  for i = 1, 2000 do script["key" .. i] = 1 end
  for i = 1, 100 do script[("q"):rep(300) .. i] = 1 end
  debug.sethook(function() steps = steps + 1 end, "", 1000)
  local _, found = schema.check(script, "tmp")
  debug.sethook()
  tap.equal(#found, 2100)
  tap.check(steps < 1000, "%d thousand instructions", steps)
end)

tap.done()
