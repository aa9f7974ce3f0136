-- top: batch frames line by line, the repainting one, and what it may show to whom.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = 4
local guest = Guest.start({ cpus = CPUS })
guest:login("root", "swordfish")

tap.test("top -b prints frames of the documented form", function()
  local output = guest:must("top -b -n 2 -d 1", 0, 30)
  local _, frames = output:gsub("top %- up %d+:%d%d:%d%d,", "")
  tap.equal(frames, 2, "frames")
  tap.matches(output, "Tasks: %d+ total,")
  tap.matches(output, "Cpu: +%d+%.?%d*%% busy, +%d+%.?%d*%% idle")
  local cpus = tap.matches(output, "CPUs:([^\n]*)")
  tap.equal(select(2, cpus:gsub("%%", "")), CPUS, "CPUs in" .. cpus)
  tap.matches(output, "Mem: +%d+K total,")
  tap.matches(output, "Kernel: +%d+K image,")
  tap.matches(output, "PID +PPID +USER +S +%%CPU +RES +TIME%+ +COMMAND")
  for _, name in ipairs({ "keeper", "init", "imgfs", "consoled", "top" }) do
    tap.contains(output, name)
  end
  tap.lacks(output, "\27", "batch output")
end)

tap.test("a busy process is on top with its share", function()
  guest:run("lua -e 'while true do end' & true")
  local output = guest:must("top -b -n 2 -d 2", 0, 30)
  local last = output:match(".*PID +PPID[^\n]*\n(.*)$")
  local first = last:match("^[^\n]*")
  tap.contains(first, "lua", "the first row")
  local share = tonumber(tap.matches(first, "(%d+%.%d+)") or 0)
  tap.check(share > 15, "its share is %.1f %%: %s", share, first)
  local pid = first:match("%d+")
  guest:must("kill " .. pid)
end)

tap.test("the numbers of tasks and memory are the system's", function()
  local output = guest:must("top -b -n 1")
  local total = tonumber(tap.matches(output, "Tasks: (%d+) total"))
  local _, rows = output:match("COMMAND\n(.*)$"):gsub("[^\n]+", "")
  tap.equal(rows, total, "rows")
  local memory = tonumber(tap.matches(output, "Mem: +(%d+)K total"))
  tap.check(memory > 200 * 1024 and memory <= 256 * 1024, "Mem: %dK", memory)
end)

tap.test("interactive top repaints and leaves on q", function()
  guest.position = #guest.text + 1
  guest:line("top")
  guest:expect("top - up", 10)
  guest:expect("\27[", 10)
  guest:send("q")
  guest:prompt(10)
  tap.equal(guest:must("echo alive"), "alive")
end)

tap.test("-h is help, as --help", function()
  local help = guest:must("top -h 2>/dev/null")
  tap.matches(help, "^usage: top ")
  tap.equal(help, guest:must("top --help"))
  local output, status = guest:run("top nonsense 2>/dev/null")
  tap.equal(output, "")
  tap.equal(status, 2)
end)

tap.test("wrong options are told", function()
  for _, options in ipairs({ "-n x", "-d", "-Z" }) do
    local output, status = guest:run("top -b " .. options)
    tap.check(status ~= 0, "top -b %s succeeded", options)
    tap.contains(output, "top")
  end
end)

guest:finish(function() guest:must("svc list | wc; top -b -n 1 | wc") end)

tap.test("user sees the own session alone", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  local output = guest:must("top -b -n 1")
  tap.contains(output, "top")
  for _, name in ipairs({ "keeper", "imgfs", "authd" }) do tap.lacks(output, name, "user's top") end
end)

tap.done()
