-- init's record of a service: whatever system call init dies after, its successor reads the old content
-- or the new; and boot services with a mistake do not build.
package.path = "tests/lib/?.lua;lua/?.lua;scripts/guest/?.lua;" .. package.path
local tap = require("tap")

-- Memory objects, and a death after a number of writes.
local left = math.huge
local sys = {}
function sys.memory_create(size) return { bytes = ("\0"):rep(size) } end
function sys.memory_commit() return true end
function sys.memory_read(memory, offset, length) return memory.bytes:sub(offset + 1, offset + length) end
function sys.memory_write(memory, offset, bytes)
  if left == 0 then error("dead", 0) end
  left = left - 1
  assert(offset + #bytes <= #memory.bytes, "beyond its end")
  memory.bytes = memory.bytes:sub(1, offset) .. bytes .. memory.bytes:sub(offset + #bytes + 1)
  return #bytes
end
package.loaded.swos = { sys = sys }
local record = require("init.record")

local function content(memory, area)
  local value = record.read(memory, area)
  return value and value.name
end

tap.test("what was written is read, areas apart", function()
  local memory = record.create()
  tap.equal(record.read(memory, record.STATE), nil)
  for round = 1, 5 do
    tap.check(record.write(memory, record.STATE, { name = "state " .. round }))
    tap.check(record.write(memory, record.DEFINITION, { name = "definition " .. round }))
    tap.equal(content(memory, record.STATE), "state " .. round)
    tap.equal(content(memory, record.DEFINITION), "definition " .. round)
  end
end)

tap.test("a death after any write leaves the old content or the new", function()
  local old_seen, new_seen = 0, 0
  for before = 0, 3 do
    for writes = 0, 2 do
      local memory = record.create()
      for round = 1, before do record.write(memory, record.STATE, { name = "old " .. round }) end
      left = writes
      local ok = pcall(record.write, memory, record.STATE, { name = "new", long = ("x"):rep(1500) })
      left = math.huge
      local got = content(memory, record.STATE)
      local old = before > 0 and "old " .. before or nil
      tap.check(got == old or got == "new", "%d before, %d writes: %s", before, writes, tostring(got))
      if ok then tap.equal(got, "new") end
      if got == "new" then new_seen = new_seen + 1 else old_seen = old_seen + 1 end
      tap.check(record.write(memory, record.STATE, { name = "next" }))
      tap.equal(content(memory, record.STATE), "next")
    end
  end
  tap.check(old_seen > 0 and new_seen > 0, "%d old, %d new", old_seen, new_seen)
end)

tap.test("the last events are kept, in order, whenever init dies", function()
  local memory = record.create()
  tap.equal(#record.events(memory), 0)
  local function note(i)
    return record.write_event(memory, i, { number = 100 + i, parent = i > 0 and 99 + i or nil, at = i * 1000,
      from = "ready", to = "ending", cause = ("cause "):rep(50) .. i })
  end
  for i = 0, 40 do note(i) end
  local events = record.events(memory)
  tap.equal(#events, 16)
  for i, event in ipairs(events) do
    tap.equal(event.number, 124 + i)
    tap.equal(event.parent, 123 + i)
    tap.equal(event.at, (24 + i) * 1000)
    tap.equal(#event.cause, 200)
  end
  left = 0
  pcall(note, 41)
  left = math.huge
  tap.equal(record.events(memory)[16].number, 140)
  tap.equal(record.read(memory, record.STATE), nil)
  record.write(memory, record.STATE, { name = "x" })
  tap.equal(record.events(memory)[16].number, 140)
end)

tap.test("too much is refused and changes nothing; damage is not believed", function()
  local memory = record.create()
  record.write(memory, record.STATE, { name = "good" })
  local ok, message = record.write(memory, record.STATE, { name = ("x"):rep(record.STATE.half) })
  tap.check(not ok, "it was taken")
  tap.matches(message, "%d+ bytes, more than %d+")
  local fits, why = record.fits(record.STATE, { name = ("x"):rep(record.STATE.half) })
  tap.equal(fits, nil)
  tap.equal(why, message)
  tap.check(record.fits(record.STATE, { name = "y" }))
  tap.equal(content(memory, record.STATE), "good")
  for at = 1, #memory.bytes, 97 do
    local damaged = { bytes = memory.bytes:sub(1, at - 1) .. "\255" .. memory.bytes:sub(at + 1) }
    record.read(damaged, record.STATE)
    record.read(damaged, record.DEFINITION)
  end
end)

-- What mkservices.lua says of a boot list and scripts; and whether it succeeds.
local function compile(start, scripts)
  local pipe <close> = assert(io.popen("mktemp -d"))
  local folder = pipe:read("l")
  tap.on_done(function() os.execute("rm -rf " .. folder) end)
  local function write(name, text)
    local file <close> = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
  end
  write("boot.lua", ("return { start = { %s } }"):format(start))
  for name, text in pairs(scripts) do write(name .. ".lua", text) end
  local command = "lua5.4 scripts/host/mkservices.lua @/boot.lua $(ls @/*.lua | grep -v boot.lua) @/out 2>&1"
  local output <close> = assert(io.popen((command:gsub("@", folder))))
  local said = output:read("a")
  return output:close(), said, folder .. "/out"
end

tap.test("boot services are compiled complete; a mistake or a missing one fails the build", function()
  local CONSOLE = 'return { program = "/bin/console-login", gives = { "terminal" } }'
  local ok, said, out = compile('"console"', { console = CONSOLE, other = 'return { program = "/x" }' })
  tap.check(ok, "%s", said)
  local compiled = dofile(out)
  tap.equal(compiled.console.restart, "always")
  tap.equal(compiled.other, nil)
  ok, said = compile('"console"', { console = CONSOLE, other = 'return { program = 5 }' })
  tap.check(not ok, "a wrong script builds")
  tap.contains(said, "other.lua: program: expected")
  ok, said = compile('"console", "gone"', { console = CONSOLE })
  tap.check(not ok, "a missing script builds")
  tap.contains(said, "gone: boot service without a script")
  ok, said = compile('"other"', { console = CONSOLE, other = 'return { program = "/x" }' })
  tap.check(not ok, "no console login builds")
  tap.contains(said, "the login on the console is not in the boot list")
  local CIRCLE = 'return { program = "/x", requires = { "a" } }'
  ok, said = compile('"console"', { console = CONSOLE, a = CIRCLE })
  tap.check(not ok, "a cycle builds")
  tap.contains(said, "a cycle: a -> a")
end)

tap.done()
