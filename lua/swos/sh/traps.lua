-- trap: what to do at the end of the shell and when its job is interrupted.
--
-- Interrupts reach a process as bits of an event once it asked for them. A shell asks when it is interactive
-- or has a trap; from then on it ends by its own decision.
local swos = require("swos")

local quoted = require("swos.sh.quote")

local M = {}

local NUMBERS = { ["0"] = "EXIT", ["1"] = "HUP", ["2"] = "INT", ["3"] = "QUIT", ["15"] = "TERM" }
local KNOWN = { EXIT = true, HUP = true, INT = true, QUIT = true, TERM = true, USR1 = true, USR2 = true,
  PIPE = true, CHLD = true, ALRM = true, TSTP = true, TTIN = true, TTOU = true, CONT = true, WINCH = true }
local BITS = { { "INT", swos.INTERRUPT_INT, 130 }, { "TERM", swos.INTERRUPT_TERM, 143 },
  { "HUP", swos.INTERRUPT_HUP, 129 } }

-- Makes interrupts come as an event.
function M.catch(shell)
  if shell.event then return end
  local event = swos.sys.event_create()
  if event and swos.sys.process_on_interrupt(event) then shell.event = event end
end

-- Runs an action; $? is afterwards what it was. An exit in it counts.
local function act(shell, action)
  local status, unwind = shell.status, shell.unwind
  shell.unwind = false
  local result, raised = shell:protect(function() return require("swos.sh.exec").text(shell, action) end)
  if shell.unwind == "exit" or raised then return shell.unwind and shell.status or result end
  shell.status, shell.unwind = status, unwind
  return nil
end

-- Acts on the interrupts that came. Those a subshell takes are kept for the shell around it.
function M.run(shell)
  local bits = shell.interrupts
  shell.interrupts = nil
  if shell.nesting > 0 then shell.passed_on = (shell.passed_on or 0) | bits end
  for _, entry in ipairs(BITS) do
    local name, bit, status = entry[1], entry[2], entry[3]
    if bits & bit ~= 0 then
      local action = shell.traps[name]
      if action then
        if action ~= "" then act(shell, action) end
      elseif shell.unwind ~= "exit" then
        shell.unwind = name == "INT" and shell.interactive and "interrupt" or "exit"
        shell.status = status
      end
    end
  end
end

-- Acts on what came for a subshell that ended with status: it came for the shell around it, too, as a signal
-- does for all of a group. What that one does not trap ends it at once. A trap waits for the end of the
-- command the subshell is in, as behind a program; but not at a terminal, where the next job would take the
-- interrupt for its own. Returns the status.
function M.after_subshell(shell, status)
  local bits, later = (shell.passed_on or 0) | (shell.interrupts or 0), 0
  for _, entry in ipairs(BITS) do
    local name, bit = entry[1], entry[2]
    if shell.traps[name] and bits & bit ~= 0 then
      if not shell.interactive then
        later = later | bit
      elseif name == "INT" and not shell.newly_stopped then
        shell.unwind = false -- it was the subshell that did not trap it
      end
    end
  end
  shell.passed_on, shell.interrupts = nil, bits & ~later
  M.run(shell)
  if later ~= 0 then shell.interrupts = later end
  return shell.unwind == "exit" and shell.status or status
end

-- The trap of the end; the status to end with.
function M.exit(shell, status)
  local action = shell.traps.EXIT
  shell.traps.EXIT = nil
  if not action or action == "" then return status end
  shell.status = status
  return act(shell, action) or status
end


local function list(shell, io)
  local names = {}
  for name in pairs(shell.traps) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do io.write(("trap -- %s %s\n"):format(quoted(shell.traps[name]), name)) end
end

-- trap [ACTION] CONDITION...
function M.builtin(shell, words, io)
  local at = words[2] == "--" and 3 or 2
  if not words[at] then return list(shell, io) end
  local action = words[at]
  if not words[at + 1] or action:find("^%d+$") then
    action = nil -- all of them are conditions
  else
    at = at + 1
    if action == "-" then action = nil end
  end
  for i = at, #words do
    local name = NUMBERS[words[i]] or words[i]:upper():gsub("^SIG", "")
    if not KNOWN[name] then return io.fail(words[i] .. ": bad trap") end
    shell.traps[name] = action
    if action and name ~= "EXIT" then
      M.catch(shell)
      shell.polls = shell.event and not shell.interactive
    end
  end
end

return M
