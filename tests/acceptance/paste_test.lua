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
  local got = guest:expect_pattern("(lines=%d+ bytes=%d+ sum=%d+ wrong=[^\r\n]*)", timeout)
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
  for i, size in ipairs({ 4095, 4096, 4097, 1, 20000, 4096 }) do
    local head = tostring(i)
    lines[i] = head .. (i == 5 and "xyzw" or " abc"):rep(size):sub(1, size - #head - 1) .. "\n"
    tap.equal(#lines[i], size == 1 and 2 or size, "made line")
  end
  paste(table.concat(lines), "lua /tmp/reader.lua", 60)
end)

tap.test("the terminal keeps a bounded part of what nobody reads", function()
  local function resident()
    return tonumber(tap.matches(guest:must("top -b -n 1"), "(%d+)K?[^\n]*consoled")) and
      guest:counters().pages
  end
  local before = resident()
  guest:line("sleep 6")
  guest:sleep(0.5)
  guest:send(("# a line the shell reads later\n"):rep(20000), 0)
  guest:sleep(3)
  -- Still 600 KB to come, held back by QEMU; the shell takes them as comments afterwards.
  guest:sleep(40)
  local after = resident()
  tap.check(math.abs(before - after) <= 64, "pages %d -> %d", before, after)
end)

guest:finish()
tap.done()
