-- A paste of 1 MiB while nobody reads, and lines about the length a terminal keeps: nothing is
-- lost, reordered or kept beyond the terminal's bound.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start()
guest:login("root", "swordfish")

-- Reads lines up to END; prints how many, their bytes, a sum that depends on their order, and
-- the first line that does not carry its number.
local READER = [[
local count, bytes, sum, wrong = 0, 0, 0, "none"
for line in io.lines() do
  if line == "END" then break end
  count, bytes = count + 1, bytes + #line + 1
  for i = 1, #line, 7 do sum = (sum * 31 + line:byte(i)) % 1000000007 end
  if wrong == "none" and tonumber(line:match("^%d+")) ~= count then wrong = line:sub(1, 20) end
end
print(("lines=%d bytes=%d sum=%d wrong=%s."):format(count, bytes, sum, wrong))
]]

local function summary(text)
  local count, bytes, sum = 0, 0, 0
  for line in text:gmatch("(.-)\n") do
    count, bytes = count + 1, bytes + #line + 1
    for i = 1, #line, 7 do sum = (sum * 31 + line:byte(i)) % 1000000007 end
  end
  return ("lines=%d bytes=%d sum=%d wrong=none."):format(count, bytes, sum)
end

local function install()
  for line in READER:gmatch("(.-)\n") do
    guest:must("echo '" .. line .. "' >>/tmp/reader.lua")
  end
end

local function paste(text, command, timeout)
  guest.position = #guest.text + 1
  guest:line(command)
  guest:expect("\n")
  guest:send(text .. "END\n", timeout)
  -- The echo of the paste may hold the words; the result is the last such line.
  guest:expect("END\r\n", timeout)
  local got = guest:expect_pattern("(lines=%d+ bytes=%d+ sum=%d+ wrong=[^\r\n]*)\r?\n",
    timeout)
  guest:prompt()
  tap.equal(got, summary(text))
end

install()

tap.test("1 MiB pasted while the reader sleeps 5 s arrives whole and in order", function()
  local lines = {}
  for i = 1, 1 << 14 do lines[i] = ("%07d %s\n"):format(i, ("abcdefghijk"):rep(5)) end
  local text = table.concat(lines)
  tap.equal(#text, 1 << 20)
  paste(text, "sleep 5; lua /tmp/reader.lua", 240)
end)

tap.test("lines of 4,095 to 4,097 bytes and of 20,000 pass", function()
  local lines = {}
  for i, size in ipairs({ 4095, 4096, 4097, 10, 20000, 4096 }) do
    local head = ("%d abc "):format(i)
    lines[i] = head .. ("defghijk"):rep(size):sub(1, size - #head - 1) .. "\n"
    tap.equal(#lines[i], size, "made line")
  end
  paste(table.concat(lines), "lua /tmp/reader.lua", 60)
end)

tap.test("what nobody reads takes a bounded part of memory", function()
  -- A sampler in the background notes the least free memory.
  guest:must("echo 'local swos = require(\"swos\") local least = math.huge' >/tmp/least.lua")
  guest:must("echo 'for _ = 1, 40 do swos.sleep(0.25)' >>/tmp/least.lua")
  guest:must("echo 'least = math.min(least, swos.sys.system_info().ram_free) end' >>/tmp/least.lua")
  guest:must("echo 'print(least // 4096)' >>/tmp/least.lua")
  local calm = tonumber((guest:must("lua /tmp/least.lua", 0, 40)))
  guest:run("lua /tmp/least.lua >/tmp/least & true")
  guest:line("sleep 12")
  guest:sleep(0.5)
  guest:send(("# a line the shell reads later " .. ("x"):rep(3968) .. "\n"):rep(150), 240)
  guest.position = #guest.text + 1
  guest:line("echo all''read")
  guest:expect("allread", 120)
  guest:prompt()
  local least = tonumber((guest:must("cat /tmp/least")))
  tap.note("%d pages free at rest, %d with 600 KB waiting", calm, least)
  tap.check(calm - least < 400, "%d pages less", calm - least)
end)

guest:must("rm /tmp/reader.lua /tmp/least.lua /tmp/least")
guest:finish()
tap.done()
