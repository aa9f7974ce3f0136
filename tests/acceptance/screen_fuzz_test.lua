-- less, edit and watch with keys and window sizes at random: none of them fails, each can be left, and the
-- terminal is afterwards what it was. SEED and ROUNDS of the environment choose others.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local SEED = tonumber(os.getenv("SEED") or "1")
local ROUNDS = tonumber(os.getenv("ROUNDS") or "40")
local KEYS = 40

-- Keys that suspend or end the program are pressed at the end of a round, when the test waits for that.
local ENDING = { ["\3"] = true, ["\4"] = true, ["\17"] = true, ["\26"] = true }
local PIECES = { "\27[A", "\27[B", "\27[C", "\27[D", "\27[H", "\27[F", "\27[5~", "\27[6~", "\27[3~", "\27OP",
  "\27[1;5C", "\27[1;5D", "\27[999;999R", "\27[", "\27", "\27[200~", "\27[201~", "\r", "\t", "\127", " ",
  "/a\r", "?x\r", "/[\r", "9", "12", "G", "g", "%", "h", "-N", "-S", "F", ":n", "n", "N", "j", "k", "d", "u",
  "\195\164", "\230\188\162", "\204\129", "\255", "\0", "y" }
for code = 1, 31 do PIECES[#PIECES + 1] = string.char(code) end

-- The words of a program, and what it shows first.
local PROGRAMS = {
  { "less text", "\27[?1049h" },
  { "less -N wide text", "\27[?1049h" },
  { "cat text wide | less -S", "\27[?1049h" },
  { "man sh", "\27[?1049h" },
  { "edit text", "\27[?1049h" },
  { "edit wide", "\27[?1049h" },
  { "edit new", "\27[?1049h" },
  { "watch -n 0.1 ls", "ls" },
}

local guest <close> = Guest.start({ disks = { { "build/test.img" } } })
guest:login("root", "swordfish")
guest:must("mkdir /tmp/s; cd /tmp/s; seq 300 >text; cat text | tr '\\n' '\\t' >wide")
guest:must("printf '\\377\\303\\n\\033[31mred' >>wide")
local before = guest:must("stty")
guest:must("PS1='# '") -- fits into any window

local function at_prompt()
  return guest.text:find("[#] $", guest.position)
end

-- Ends a paste that was begun and whatever the program asks, until the shell is there: Ctrl-Q and n leave
-- edit, q and Ctrl-C the others.
local function leave(name)
  local keys = name:find("^edit") and { "\17", "n" } or { "q", "\3" }
  guest:await(name .. " ends", function()
    guest:send("\27[201~\27")
    guest:sleep(0.2) -- Escape is a key of its own when nothing follows it
    for _, key in ipairs(keys) do
      if guest:wait(at_prompt, 0.3) then return true end
      guest:send(key)
    end
    return guest:wait(at_prompt, 1)
  end)
  guest:send("\3") -- what was typed behind the end stands in the shell's line
  guest:line("echo $((40000 + 2))") -- and there may be several prompts
  guest:expect("40002\r\n")
  guest:prompt()
end

-- Types a line in a window of any size, in which guest:run would not find its marks.
local function line(text)
  guest.position = #guest.text + 1
  guest:line(text)
  guest:prompt()
end

local function round(number)
  math.randomseed(SEED * 1000 + number)
  local program = PROGRAMS[math.random(#PROGRAMS)]
  local rows, columns = math.random(1, 30), math.random(4, 100) -- fewer columns break the shell's prompt
  line(("stty rows %d columns %d"):format(rows, columns))
  local from = #guest.text + 1
  guest.position = from
  guest:line(program[1])
  guest:expect(program[2])
  local keys = {}
  for i = 1, KEYS do
    repeat keys[i] = PIECES[math.random(#PIECES)] until not ENDING[keys[i]]
  end
  guest:send(table.concat(keys))
  leave(program[1])
  local came = guest.text:sub(from)
  for _, word in ipairs({ "traceback", "attempt to", "internal error", "lua:", "out of memory" }) do
    tap.lacks(came, word, ("round %d, %s at %dx%d, %q"):format(number, program[1], rows, columns,
      table.concat(keys)))
  end
  local _, entered = came:gsub("\27%[%?1049h", "")
  local _, left = came:gsub("\27%[%?1049l", "")
  tap.equal(left, entered, "screens left, of those entered")
  line("stty rows 24 columns 80")
  tap.equal(guest:must("stty"), before, ("the terminal after round %d, %s"):format(number, program[1]))
  guest:must("rm -f new; seq 300 >text")
end

tap.test("keys and sizes at random", function()
  for number = 1, ROUNDS do round(number) end
end)

guest:finish()
tap.done()
