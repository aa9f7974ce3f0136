-- Ctrl-C, and Ctrl-Z with a kill, at random moments of loops, pipelines, substitutions, builtins and what
-- reads the terminal: after each the shell answers, with the right status; nothing runs on, no job and no
-- terminal mode is lost.
--
-- SH_INTERRUPTS: how many; SH_SEED: of the random moments, printed with the first failure.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local uv = require("luv")
local Guest = require("guest")

local COUNT = tonumber(os.getenv("SH_INTERRUPTS") or "150")
local SEED = tonumber(os.getenv("SH_SEED") or "20")
local LOOK_EACH = 50
local ANSWER = 20 -- seconds
math.randomseed(SEED)

local guest = Guest.start({ cpus = 2 })
guest:login("root", "swordfish")
guest:must("echo a >/tmp/i; f() { sleep 1000; }; g() { while read x; do echo $x; done; }")

local LINES = {
  "sleep 1000", "sleep 1000; echo no", "sleep 1000 | cat | cat", "while :; do :; done",
  "while true; do sleep 1000; done", "while :; do /bin/true; done", "while :; do true | /bin/true; done",
  "until false; do cat /tmp/i | cat; done >/dev/null", "cat", "cat | cat", "read x", "read x | cat",
  "x=$(sleep 1000)", "echo $(echo a | cat; sleep 1000)", "while :; do x=$(echo $(/bin/echo a)); done",
  "case $(sleep 1000) in *) echo no ;; esac", "(sleep 1000)", "( (while :; do :; done) )", "f", "f | cat",
  "cat /tmp/i | g | f", "while :; do cat /tmp/i | g; done >/dev/null", "sleep 1000 & wait",
  "lua -e 'while true do end'", "lua -e 'for l in io.lines() do print(l) end'",
  "sh -c 'sleep 1000; echo no'", "sh -c 'while :; do /bin/true; done'", "sh -c 'cat | cat'",
  "while :; do echo b >/tmp/j; cat </tmp/j; done >/dev/null", "cat <<E\n$(sleep 1000)\nE",
  "for i in 1 2 3; do for j in $(ls /bin); do echo $i$j; done; done >/dev/null; sleep 1000",
}

-- Short times are the most likely: then lines are read and programs started.
local function pause(limit)
  local time = math.random()
  guest:pump()
  uv.sleep(math.floor(time * time * limit))
end

local function last_came(from) return guest.text:sub(from):sub(-600) end

local number = 0

-- One line and what interrupts it.
local function round(line, stops)
  local from, status = #guest.text + 1, math.random(10, 99)
  number = number + 1
  guest:send(line .. "\n")
  pause(250)
  if stops then
    guest:send("\26")
    pause(60)
  end
  guest:send("\3")
  pause(20)
  guest:send(("kill -KILL %%1 %%2 2>/dev/null; (exit %d); echo \"=%06d=$?=\"\n"):format(status, number))
  local answer = ("=%06d=%d=\r\n"):format(number, status)
  local at
  if not guest:wait(function()
    at = guest.text:find(answer, from, true)
    return at and guest.text:find("[%$#] $", at)
  end, ANSWER) then
    error(("seed %d, number %d: %q%s: no answer: %q"):format(SEED, number, line,
      stops and " and Ctrl-Z" or "", last_came(from)), 0)
  end
  guest.position = #guest.text + 1
  tap.lacks(guest.text:sub(from), "\nno\r\n")
end

local function random_round() round(LINES[math.random(#LINES)], math.random(4) == 1) end

-- Programs the lines start; one shell is there always.
local STARTED = { sh = true, sleep = true, cat = true, lua = true, ["true"] = true, echo = true, ls = true,
  kill = true }

local function look()
  guest:await(("nothing runs on after number %d of seed %d"):format(number, SEED), function()
    local names = {}
    for name in guest:must("ps -o cmd"):gmatch("[^\n]+") do
      if STARTED[name] then names[#names + 1] = name end
    end
    return table.concat(names, " ") == "sh"
  end, 10)
  tap.equal(guest:must("wait; jobs; lua /tmp/mode.lua"):match("[^\n]*$"), "7")
end

guest:must("echo 'local swos, protocol = require([[swos]]), require([[swos.protocol]])' >/tmp/mode.lua")
guest:must("echo 'print(protocol.terminal.get_mode(swos.handle([[fd/0/control]]), {}).mode)' >>/tmp/mode.lua")

tap.test(("%d interrupts"):format(COUNT), function()
  look()
  for i = 1, COUNT do
    random_round()
    if i % LOOK_EACH == 0 then look() end
  end
  look()
end)

guest:finish(function()
  -- few of them, and none that writes files: what lives in the shell then lies where it lay before
  for _, i in ipairs({ 3, 11, 15 }) do round(LINES[i], false) end
  round(LINES[2], true)
  look()
end)
tap.done()
