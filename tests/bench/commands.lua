-- What the shell and commands take, in swos and in the Linux guest of linux/ (busybox), in turns: how long
-- the emulator had a CPU from Enter to the next prompt. All compute, so on an idle machine that is the time
-- they take, and on a busy one nobody else's work is in it. One CPU each; a line repeats what is short.

local Guest = require("guest")

local M = {}

-- Files in memory. b: 10 MiB in lines of 76 letters and digits; t: 10 MiB of numbers, a line each.
local PREPARE = {
  "seq 1200000 | head -c 7864320 | base64 >/tmp/b",
  "seq 1480000 >/tmp/t",
}

-- busybox asks the terminal where its cursor is.
local PROMPT = "\n[^\n]*# [\27%[6n]*$"

local function loop(count, command)
  return ("sh -c 'i=0; while [ $i -lt %d ]; do %s; i=$((i + 1)); done'"):format(count, command)
end

--- name, how to show it, line (nil: keys), how often it repeats what is measured, swos's line if another
M.ROWS = {
  { "sh-true", "sh -c true", loop(50, "sh -c true"), 50 },
  { "builtins", "loop of 1,000 builtins", loop(1000, ":"), 1 },
  { "programs", "loop of 1,000 programs", loop(1000, "/bin/true"), 1 },
  { "sort-b", "sort b", "sort /tmp/b >/dev/null", 1 },
  { "sort-t", "sort t", "sort /tmp/t >/dev/null", 1 },
  { "sort-n", "sort -n t", "sort -n /tmp/t >/dev/null", 1 },
  { "grep", "grep xyzzy b", "grep xyzzy /tmp/b >/dev/null", 1 },
  { "grep-c", "grep -c Nzg5 b", "grep -c Nzg5 /tmp/b >/dev/null", 1 },
  { "grep-class", "grep -c 'MT[IM]z' b", "grep -c 'MT[IM]z' /tmp/b >/dev/null", 1 },
  { "grep-i", "grep -ci ntg b", "grep -ci ntg /tmp/b >/dev/null", 1 },
  { "grep-t", "grep 99999 t", "grep 99999 /tmp/t >/dev/null", 1 },
  { "sed", "sed s/MT/X/g b", "sed s/MT/X/g /tmp/b >/dev/null", 1 },
  { "wc", "wc b", "wc /tmp/b >/dev/null", 1 },
  { "tr", "tr a-z A-Z, b", "tr a-z A-Z </tmp/b >/dev/null", 1 },
  { "cut", "cut -c 5-10 b", "cut -c 5-10 /tmp/b >/dev/null", 1 },
  { "uniq", "uniq b", "uniq /tmp/b >/dev/null", 1 },
  { "sha256sum", "sha256sum b", "sha256sum /tmp/b >/dev/null", 1 },
  { "base64", "base64 b", "base64 /tmp/b >/dev/null", 1 },
  { "find", "find /, busybox's with -xdev", "find / -xdev >/dev/null", 1, "find / >/dev/null" },
  { "echo", "a key's echo", nil, 20 },
}

-- Nanoseconds that the emulator's threads have run so far.
local function used(guest)
  local sum = 0
  local pipe <close> = assert(io.popen(("cat /proc/%d/task/*/schedstat"):format(guest.pid)))
  for line in pipe:lines() do sum = sum + tonumber(line:match("^%d+")) end
  return sum
end

-- Runs a line: the nanoseconds to the prompt.
local function time(self, line)
  local guest = self.guest
  guest.position = #guest.text + 1
  local began = used(guest)
  guest:send(line .. "\r")
  if not guest:wait(function() return guest.text:find(PROMPT, guest.position) end, 120) then
    error("no prompt after " .. line, 0)
  end
  return used(guest) - began
end

-- The line of keys is cleared at the end.
local function time_keys(self, count)
  local guest, sum = self.guest, 0
  for _ = 1, count do
    guest.position = #guest.text + 1
    local began = used(guest)
    guest:send("x")
    guest:expect("x")
    sum = sum + used(guest) - began
  end
  guest:send("\21")
  time(self, "")
  return sum
end

local function prepare(self)
  for _, line in ipairs(PREPARE) do time(self, line) end
  return self
end

function M.swos()
  local guest = Guest.start({ cpus = 1, disks = { { "build/test.img" } }, memory = "512M" })
  guest:login("root", "swordfish", 300)
  guest:must("svc stop ticker", 0, 120) -- init has read the services' scripts
  return prepare({ guest = guest })
end

--- The Linux guest in `folder`, started as transfer.lua does.
function M.linux(folder)
  local guest = Guest.start({ command = Guest.arguments({ cpus = 1, disks = {}, memory = "512M",
    kernel = folder .. "/kernel", append = "console=ttyAMA0 quiet nokaslr mitigations=off panic=-1",
    more = { "-initrd", folder .. "/initramfs" } }) })
  guest:expect("linux guest: ready", 300)
  guest:expect("# ", 60)
  return prepare({ guest = guest, is_linux = true })
end

local LONG, LONG_ROUNDS = 1, 2 -- seconds, and how often what takes longer is measured

--- Measures both in turns: by row's name the seconds of the best round of each.
function M.rounds(guests, count)
  local best = {}
  for round = 1, count do
    for _, row in ipairs(M.ROWS) do
      local done = best[row[1]]
      local is_done = round > LONG_ROUNDS and math.max(done[1], done[#guests]) > LONG
      for i, self in ipairs(is_done and {} or guests) do
        local name, line, times = row[1], row[3], row[4]
        if row[5] and not self.is_linux then line = row[5] end
        local ns = line and time(self, line) or time_keys(self, times)
        best[name] = best[name] or {}
        best[name][i] = math.min(best[name][i] or math.huge, ns / times / 1e9)
      end
    end
  end
  for _, self in ipairs(guests) do self.guest:close() end
  return best
end

return M
