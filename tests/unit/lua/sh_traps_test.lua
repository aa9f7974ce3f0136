-- Interrupts that come while a subshell runs in the shell's process, on a simulated system: the commands
-- `int`, `term` and `hup` make them come.
package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")

local BITS = { int = 1, term = 2, hup = 4 }
local pending, written = 0, {}

local function nothing() return true end
package.loaded.swos = {
  INTERRUPT_INT = BITS.int, INTERRUPT_TERM = BITS.term, INTERRUPT_HUP = BITS.hup,
  OPEN_READ = 1, OPEN_WRITE = 2, OPEN_CREATE = 4, OPEN_TRUNCATE = 8, OPEN_APPEND = 16,
  directory = function() return "/" end,
  environment = function() return {} end,
  handle = function() return nil end,
  fd = {
    kind = function(number) return number <= 2 and 1 or nil end,
    close = nothing,
    write = function(_, text)
      written[#written + 1] = text
      return true
    end,
  },
  sys = {
    event_create = function() return {} end,
    process_on_interrupt = nothing,
    event_update = function()
      local bits = pending
      pending = 0
      return bits
    end,
  },
}
local commands = require("swos.sh.builtins").commands
for name, bit in pairs(BITS) do
  commands[name] = function()
    pending = pending | bit
    return 0
  end
end
local exec = require("swos.sh.exec")
local main = require("swos.sh.main")
local parser = require("swos.sh.parser")
local shells = require("swos.sh.shell")
local traps = require("swos.sh.traps")

local function output()
  local text = table.concat(written):gsub("\n", "|")
  written = {}
  return text
end

tap.test("scripts", function()
  for _, case in ipairs({
    -- what the shell around traps runs there
    { "trap 'echo cleaned; exit 9' INT; x=$(int; echo no); echo no", "cleaned|", 9 },
    { "trap 'echo caught' INT; x=$(int; echo no); echo \"on $?\"", "caught|on 130|", 0 },
    { "trap 'echo caught' INT; (int; echo no); echo \"on $?\"", "caught|on 130|", 0 },
    { "trap 'echo caught' INT; x=$(while :; do int; done); echo \"on $?\"", "caught|on 130|", 0 },
    { "trap 'echo caught' TERM; f() { int; term; echo no; }; x=$(f)", "", 130 },
    { "trap 'echo caught' HUP; f() { hup; echo no; }; echo 1 $(f) 2; echo on", "1 2|caught|on|", 0 },
    { "trap 'echo caught' INT; x=$(echo $(int; echo no); echo no); echo \"on $?\"", "caught|on 130|", 0 },
    { "trap 'echo caught' INT; ( ( (int; echo no); echo no); echo no); echo \"on $?\"", "caught|on 130|", 0 },
    -- the subshell's own trap runs in it, that of the shell around it behind it
    { "trap 'echo outer' INT; (trap 'echo inner' INT; int; echo on); echo on", "inner|on|outer|on|", 0 },
    { "trap 'echo outer' INT; (trap 'echo inner' INT; (int; echo no); echo on); echo on",
      "inner|on|outer|on|", 0 },
    { "trap : TERM; (trap 'echo inner' INT; int; echo on); echo no", "inner|on|", 130 },
    -- what nobody traps ends both
    { "trap : TERM; x=$(int; echo no); echo no", "", 130 },
    { "trap : INT; echo 1 $(term; echo no); echo no", "", 143 },
    { "trap 'echo end' EXIT; trap : INT; (hup; echo no); echo no", "end|", 129 },
    { "trap : TERM; for i in $(echo 1; int); do echo no; done; echo no", "", 130 },
    { "trap : TERM; case $(int) in *) echo no ;; esac", "", 130 },
    { "trap : TERM; if x=$(int); then echo no; else echo no; fi", "", 130 },
    { "trap '' INT; x=$(int; echo kept); echo \"$x $?\"", "kept 0|", 0 },
    { "trap '' INT; trap : TERM; (trap - INT; int; echo no); echo \"on $?\"", "on 130|", 0 },
    -- a trap that waits comes before the end
    { "set -e; trap 'echo caught' INT; trap 'echo end' EXIT; x=$(int); echo no", "caught|end|", 130 },
    { "trap 'echo caught' INT; x=$(int) || exit 3", "caught|", 3 },
    { "trap 'echo caught; exit 9' INT; x=$(int) || exit 3", "caught|", 9 },
  }) do
    pending = 0
    local status = main({ "-c", case[1] })
    tap.equal(output(), case[2], case[1])
    tap.equal(status, case[3], "status of " .. case[1])
  end
end)

-- Loops look for interrupts at a terminal; a line is left with unwind.
tap.test("lines of a terminal", function()
  for _, case in ipairs({
    { "x=$(while :; do int; done); echo no", "", "interrupt", 130 },
    { "(while :; do int; done); echo no", "", "interrupt", 130 },
    { "x=$(while :; do term; done); echo no", "", "exit", 143 },
    { "( (while :; do hup; done) ); echo no", "", "exit", 129 },
    { "trap 'echo caught' INT; x=$(while :; do int; done); echo \"on $?\"", "caught|on 130|", false, 0 },
    { "trap 'echo caught' INT; ( (while :; do int; done) ); echo \"on $?\"", "caught|on 130|", false, 0 },
    { "trap 'echo caught; exit 9' INT; x=$(while :; do int; done); echo no", "caught|", "exit", 9 },
    { "trap 'exit 9' TERM; (while :; do term; done); echo no", "", "exit", 9 },
    { "trap '' INT; x=$(for i in 1 2; do int; echo $i; done); echo $x", "1 2|", false, 0 },
    { "for i in $(echo 1; while :; do int; done); do echo no; done", "", "interrupt", 130 },
  }) do
    pending = 0
    local shell = shells.new("sh", {})
    shell.expansion, shell.interactive = exec.expansion(shell), true
    traps.catch(shell)
    local list = tap.check(parser.parse(case[1], shell.aliases))
    shell.status = shell:protect(function() return exec.list(shell, list) end)
    tap.equal(output(), case[2], case[1])
    tap.equal(shell.unwind, case[3], "why it was left: " .. case[1])
    tap.equal(shell.status, case[4], "status of " .. case[1])
    tap.equal(shell.interrupts, nil, "what the next job would take: " .. case[1])
  end
end)
tap.done()
