-- What a hostile or broken service script can do: nothing but be refused. Memory, time, escape, results.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2 })
guest:login("root", "swordfish")
guest:must("svc stop ticker", 0, 60)  -- waits until the image's scripts are read

-- What `svc check` says of a script's text (single quotes must not be in it); how long it took.
local function said(text)
  guest:must(("echo '%s' >/tmp/x.lua"):format(text))
  local before = guest:elapsed()
  local output, status = guest:run("svc check /tmp/x.lua", 60)
  return output, status, (guest:elapsed() - before) / 1000
end

-- A script that must be refused with these words. Afterwards init answers as before.
local function refused(text, words)
  local output, status, seconds = said(text)
  tap.equal(status, 1, text)
  tap.contains(output, "/tmp/x.lua:", text)
  tap.contains(output, words, text)
  tap.matches(guest:must("svc list"), "tmpfs +ready")
  return seconds
end

local GOOD = 'return { program = "/bin/true" }'

tap.test("a good script", function()
  tap.equal((said(GOOD)), "/tmp/x.lua: good")
  tap.equal((said('local t = {} for i, w in ipairs({ "b", "a" }) do t[i] = w:upper():lower() end'
    .. ' table.sort(t) return { program = "/bin/" .. ("x"):rep(3), arguments = t,'
    .. ' stop_seconds = math.max(1, #t) }')),
    "/tmp/x.lua: good")
end)

tap.test("memory: what does not fit its state is refused, and nothing else is short of it", function()
  refused('local x = ("a"):rep(1e9) return {}', "/tmp/x.lua: not enough memory")
  refused('local x = ("a"):rep(1e18) return {}', "resulting string too large")
  refused('local t = {} for i = 1, 1e9 do t[i] = i end', "/tmp/x.lua: not enough memory")
  refused('local s = "x" while true do s = s .. s end', "/tmp/x.lua: not enough memory")
  refused('local t = {} while true do t = { t } end', "/tmp/x.lua: not enough memory")
  refused('return { program = ("x"):rep(1e6) }', "larger than 32768 bytes")
  refused('local function f() return f() + 1 end return f()', "/tmp/x.lua: not enough memory")
  refused('return table.unpack({}, 1, 1e7)', "too many results to unpack")
  refused('return ("%99999d"):format(1)', "x.lua:1:")
end)

tap.test("time: loops and patterns without end are ended, others wait no longer for it", function()
  for _, text in ipairs {
    'while true do end',
    'return ("a"):rep(30):find(("a?"):rep(30) .. ("a"):rep(30) .. "b")',
    'local s = ("a"):rep(3e5) return s:find(".-.-.-.-b")',
    'return ("x"):rep(1e5):gsub("", function() while true do end end)',
    'local t = { 3, 2, 1 } table.sort(t, function() while true do end end)',
  } do
    local seconds = refused(text, "took longer than 5 s")
    tap.check(seconds < 20, "%s took %g s", text, seconds)
  end
end)

tap.test("escape: there is nothing to escape by", function()
  for _, name in ipairs { "load", "loadfile", "dofile", "require", "pcall", "xpcall", "debug", "coroutine",
    "io", "os", "package", "swos", "print", "collectgarbage", "getmetatable", "setmetatable", "rawget",
    "rawset", "rawequal", "rawlen", "warn", "_G", "arg" } do
    refused(("return { program = %s }"):format(name), ("there is no global '%s'"):format(name))
  end
  refused('x = 1 return {}', "global 'x' cannot be set; use local")
  refused('function f() end return {}', "cannot be set")
  refused('_ENV.x = 1', "cannot be set")
  refused('return { program = string.dump }', "program: missing")
  refused('return { program = ("").dump(function() end) }', "attempt to call a nil value")
  refused('return { program = math.random }', "program: missing")
  refused('return _ENV', "the result holds a function")
end)

tap.test("results: plain data only, and not too much of it", function()
  refused('return { program = function() end }', "program: the result holds a function")
  refused('return { arguments = { "a", print_ or next } }', "there is no global")
  refused('return { arguments = { "a", next } }', "arguments[2]: the result holds a function")
  refused('local t = {} t.t = t return t', "nested deeper than 8 levels")
  refused('local t = {} t[t] = 1 return t', "nested deeper than 8 levels")
  refused('local t = {} for i = 1, 5000 do t[i] = true end return t', "more than 4096 values")
  refused('return { program = "/" .. ("x"):rep(40000) }', "larger than 32768 bytes")
  refused('return', "expected the script to return a table, got nil")
  refused('return 5', "got 5")
  refused('return 0/0', "got")
  refused('return { [0/1] = 1, [1.5] = 2, [true] = 3 }', "true: unknown key")
  refused('return { program = "/bin/\\0x" }', "program: expected")
  refused('error({})', "error object is a table")
  refused('error("no thanks", 0)', "no thanks")
  refused('return { program = "/bin/x", ["a\\nb"] = 1 }', "unknown key")
end)

tap.test("a definition larger than what init keeps of it is refused, not lost with init", function()
  refused('local a = {} for i = 1, 12 do a[i] = ("x"):rep(1000) end'
    .. ' return { program = "/bin/true", arguments = a }', "more than init can keep over its own death")
end)

tap.test("text only: byte code is no script", function()
  guest:must("lua -e 'io.open(\"/tmp/x.lua\", \"w\"):write(\"\\27Lua\\x54\\0\\x19\\x93\\r\\n\\x1a\\n\")'")
  tap.contains(guest:must("svc check /tmp/x.lua", 1), "attempt to load a binary chunk")
  refused("return ( [[ ", "unfinished long string")
  guest:must("lua -e 'io.open(\"/tmp/x.lua\", \"w\"):write((\"-\"):rep(70000))'")
  guest:must("svc check /tmp/x.lua", 1)
end)

tap.test("a script that does not end disturbs no other in a reload", function()
  guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
  guest:must("echo 'while true do end' >/tmp/services/endless.lua")
  guest:must("echo 'return { program = \"/bin/true\", oneshot = true }' >/tmp/services/short.lua")
  guest:send("svc reload\n")
  guest:sleep(1)
  local answered = guest:run("svc list", 30)
  tap.contains(answered, "tmpfs")
  tap.matches(guest:must("svc start short", 0, 60), "short: done")
  tap.contains(guest:must("svc reload", 0, 60), "/tmp/services/endless.lua: took longer than 5 s")
  guest:must("rm -r /tmp/services")
  guest:must("svc reload", 0, 60)
end)

guest:finish(function(g)
  g:run("svc check /tmp/x.lua", 60)
end)
tap.done()
