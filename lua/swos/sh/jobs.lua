-- Jobs of an interactive shell: what runs in the foreground of its terminal, what is stopped, what runs in
-- the background.
--
-- A job is the kernel's: made for one pipeline, below the shell's own, with all the pipeline's processes and
-- what they start. The console driver knows the one in the foreground: Ctrl-C interrupts it, Ctrl-Z stops
-- it, and only it reads what is typed. While the shell itself is there it is for the processes directly in
-- the shell's job, so that neither reaches what runs in the background. docs/shell.md says more.
--
-- A group of swos.sh.process becomes an entry here when it is stopped or sent to the background: job,
-- processes, pids, text, number; at: how many processes have ended; status: of the last that has;
-- stopped, modes: the terminal's when it was stopped; touched: of two the higher is the more recent.
local swos = require("swos")
local protocol = require("swos.protocol")
local sys = swos.sys

local M = {}

M.MAX = 64
local INTERRUPTED, STOPPED, KILLED, PIPE_CLOSED = 130, 148, 137, 141
local ON_STOP, ON_EXIT = 1, 2 -- keys of the port
local ANY = -1
local WORDS = { [130] = "Interrupted", [137] = "Killed", [143] = "Terminated" }

-- ---- the terminal

-- A call that an interrupt ended has changed nothing, or what doing it again changes once more. What had
-- come stays for shell:poll.
local function ask(shell, operation, fields)
  while true do
    local reply, message, name = protocol.terminal[operation](shell.control, fields)
    if reply then return reply end
    if name ~= "INTERRUPTED" and name ~= "UNKNOWN_OUTCOME" then return nil, message end
    shell:take_interrupts()
  end
end

-- The terminal is for the shell again.
function M.foreground_shell(shell)
  ask(shell, "set_foreground", { job = swos.handle("job"), flags = swos.FOREGROUND_DIRECTLY })
end

-- The terminal's modes, and how often Ctrl-C was typed so far.
function M.modes(shell)
  local reply = ask(shell, "get_mode", {})
  if reply then return reply.mode, reply.interrupts end
end

local function set_modes(shell, mode)
  if mode and mode ~= M.modes(shell) then ask(shell, "set_mode", { mode = mode, drain = 0 }) end
end

-- ---- waiting

-- Waits for what is left of the entry's processes. "ended"; "stopped" if that is watched for; "interrupted"
-- if that ends the wait, which it does with what the shell itself waits for.
local function await(shell, entry, watches_stop, is_interrupted)
  local port <close> = assert(sys.port_create())
  if watches_stop then assert(sys.port_bind(port, entry.job, swos.JOB_STOPPED, ON_STOP)) end
  for at = entry.at + 1, #entry.processes do
    local process, was_stopped = entry.processes[at], false
    assert(sys.port_bind(port, process, ANY, ON_EXIT))
    repeat
      -- A stop is believed when it is still there: with the shell's own job the bit may come and go.
      local kind, key, name, status = swos.port_wait(port, was_stopped and 0 or nil)
      if not kind then
        was_stopped = false
        shell:take_interrupts()
        if is_interrupted and name == "INTERRUPTED" then return "interrupted" end
      elseif key == ON_EXIT then
        entry.at, entry.status = at, status
        entry.interrupted = entry.interrupted or status == INTERRUPTED
        entry.killed = entry.killed or status > 128 and status ~= PIPE_CLOSED
      elseif was_stopped then
        return "stopped"
      else
        was_stopped = true
      end
    until entry.at == at
    sys.port_unbind(port, process)
  end
  return "ended"
end

local function close(entry)
  for _, process in ipairs(entry.processes) do process:close() end
  entry.job:close()
end

-- Whether all processes of an entry have ended; looks only.
local function has_ended(entry)
  for at = entry.at + 1, #entry.processes do
    local status = swos.process_wait(entry.processes[at], 0)
    if not status then return false end
    entry.at, entry.status = at, status
  end
  return true
end

-- ---- the list

local function touch(shell, entry)
  shell.touches = (shell.touches or 0) + 1
  entry.touched = shell.touches
end

-- Adds a group to the list.
function M.add(shell, entry)
  local list = shell.background
  entry.at = entry.at or 0
  entry.number = (list[1] and list[#list].number or 0) + 1
  touch(shell, entry)
  list[#list + 1] = entry
end

-- Whether one more job finds room; says so if not. A loop may have filled the list with what has ended.
function M.has_room(shell)
  if #shell.background >= M.MAX then shell:reap_background() end
  if #shell.background < M.MAX then return true end
  shell:say(("too many jobs (%d)"):format(M.MAX))
  return false
end

-- The current job and the one before: stopped ones first, then the more recent.
local function current(list)
  local first, second
  local function before(a, b)
    if not b then return true end
    if (a.stopped or false) ~= (b.stopped or false) then return a.stopped end
    return a.touched > b.touched
  end
  for _, entry in ipairs(list) do
    if before(entry, first) then
      first, second = entry, first
    elseif before(entry, second) then
      second = entry
    end
  end
  return first, second
end

local function ended_word(status)
  return status == 0 and "Done" or WORDS[status] or ("Done(%d)"):format(status)
end

-- A line about a job; pids: with the numbers of its processes.
local function line(list, entry, word, pids)
  local first, second = current(list)
  local mark = entry == first and "+" or entry == second and "-" or " "
  return ("[%d]%s  %s%s    %s\n"):format(entry.number, mark,
    pids and table.concat(entry.pids, " ") .. " " or "", word, entry.text)
end

local function remove(shell, entry)
  for place, other in ipairs(shell.background) do
    if other == entry then table.remove(shell.background, place) end
  end
end

-- Takes an ended job from the list and keeps its status for `wait` of scripts.
local function forget(shell, entry)
  remove(shell, entry)
  close(entry)
  if not shell.interactive then shell.ended[entry.pids[#entry.pids]] = entry.status end
end

-- Forgets what has ended; tell(text) hears of it.
function M.reap(shell, tell)
  local list = shell.background
  local ended = {}
  for _, entry in ipairs(list) do
    if has_ended(entry) then ended[#ended + 1] = entry end
  end
  for _, entry in ipairs(ended) do
    if tell then tell(line(list, entry, ended_word(entry.status))) end
  end
  for _, entry in ipairs(ended) do forget(shell, entry) end
end

-- The same for what subshells left running.
function M.reap_orphans(shell)
  local orphans = shell.orphans
  for i = #orphans, 1, -1 do
    if has_ended(orphans[i]) then close(table.remove(orphans, i)) end
  end
end

-- The entry a word names: %N, %+, %%, %-, %TEXT (how it begins), %?TEXT (what is in it), or the number of one
-- of its processes. nil and a reason.
function M.find(shell, word)
  local list, text = shell.background, word:match("^%%(.*)$")
  local first, second = current(list)
  if not text then
    for _, entry in ipairs(list) do
      for _, pid in ipairs(entry.pids) do
        if tostring(pid) == word then return entry end
      end
    end
  elseif text == "" or text == "+" or text == "%" then
    return first, "no current job"
  elseif text == "-" then
    return second, "no previous job"
  elseif text:find("^%d+$") then
    for _, entry in ipairs(list) do
      if entry.number == tonumber(text) then return entry end
    end
  else
    local anywhere, found = text:match("^%?(.*)$"), nil
    for _, entry in ipairs(list) do
      local at = entry.text:find(anywhere or text, 1, true)
      if at == 1 or at and anywhere then
        if found then return nil, "more than one such job" end
        found = entry
      end
    end
    if found then return found end
  end
  return nil, "no such job"
end

-- ---- foreground

-- What the end of a job leaves: its modes if it was killed, and what it started and cannot continue.
local function leave(shell, entry, modes)
  if entry.killed then
    set_modes(shell, modes)
    sys.job_kill(entry.job, KILLED)
  end
  M.foreground_shell(shell)
  close(entry)
  if entry.interrupted then shell.unwind = shell.unwind or "interrupt" end
  return entry.status
end

-- Whether a Ctrl-C came to the shell; takes it.
local function takes_interrupt(shell)
  shell:take_interrupts()
  local bits = shell.interrupts or 0
  if bits & swos.INTERRUPT_INT == 0 then return false end
  bits = bits & ~swos.INTERRUPT_INT
  shell.interrupts = bits ~= 0 and bits or nil
  return true
end

-- Gives an entry that runs the terminal until it ends or stops: its status. modes: the shell's; interrupts:
-- how often Ctrl-C had been typed before its processes were started. One that came to the shell since was
-- for the entry and for the line it stands in: it ends the entry before that can read what is typed next.
-- The shell passes on what it knows of, the console driver what comes until the entry has the terminal.
local function run(shell, entry, modes, interrupts)
  local stops = not shell.sinks and not entry.stays
  local early = takes_interrupt(shell)
  if early then sys.job_interrupt(entry.job, swos.INTERRUPT_INT) end
  ask(shell, "set_foreground", { job = entry.job, interrupts = interrupts,
    flags = swos.FOREGROUND_INHERITS | (stops and swos.FOREGROUND_STOPS or 0) })
  early = takes_interrupt(shell) or early
  entry.at = entry.at or 0
  if entry.drain then entry.drain() end
  while await(shell, entry, stops) == "stopped" do
    if entry.number or M.has_room(shell) then
      entry.stopped, entry.modes = true, M.modes(shell)
      set_modes(shell, modes)
      M.foreground_shell(shell)
      shell.newly_stopped = shell.newly_stopped or {}
      table.insert(shell.newly_stopped, entry)
      shell.unwind, shell.status = "interrupt", STOPPED
      return STOPPED
    end
    sys.job_continue(entry.job)
  end
  if entry.number then remove(shell, entry) end
  local status = leave(shell, entry, modes)
  if early then
    shell.unwind, status = shell.unwind or "interrupt", INTERRUPTED
    shell.status = status
  end
  return status
end
M.run = run

-- After a line: what was stopped in it is in the list now, also what a subshell had begun.
function M.settle(shell)
  for _, entry in ipairs(shell.newly_stopped) do
    if entry.number then touch(shell, entry) else M.add(shell, entry) end
    shell:write(2, line(shell.background, entry, "Stopped"))
  end
  shell.newly_stopped = nil
end

-- ---- the end

-- Whether the shell may be left: not at the first try while jobs are stopped.
function M.may_leave(shell)
  if not shell.interactive or shell.nesting > 0 or shell.warned == shell.typed - 1 then return true end
  for _, entry in ipairs(shell.background) do
    if entry.stopped and not has_ended(entry) then
      shell:say("You have stopped jobs.")
      shell.warned = shell.typed
      return false
    end
  end
  return true
end

-- What an interactive shell started ends with it: nobody could continue a stopped job.
function M.end_all(shell)
  for _, list in ipairs({ shell.background, shell.orphans }) do
    for _, entry in ipairs(list) do
      sys.job_kill(entry.job, KILLED)
      close(entry)
    end
  end
  shell.background, shell.orphans = {}, {}
end

-- ---- builtins

-- Scripts have jobs in the background, and no terminal to give to them.
local function controls(shell, io)
  if shell.interactive and shell.control and shell.nesting == 0 then return true end
  io.fail("no job control")
  return false
end

local function named(shell, word, io)
  local entry, reason = M.find(shell, word or "%+")
  if entry and not has_ended(entry) then return entry end
  io.fail(word and ("%s: %s"):format(word, entry and "has ended" or reason) or reason or "has ended")
  return nil
end

-- jobs [-l | -p] [JOB...]
function M.jobs(shell, words, io)
  local how, at = nil, 2
  while words[at] and words[at]:find("^%-[lp]$") do
    how, at = words[at], at + 1
  end
  local list, status = shell.shown or shell.background, 0
  local function show(entry)
    local word = has_ended(entry) and ended_word(entry.status) or entry.stopped and "Stopped" or "Running"
    if how == "-p" then
      io.write(entry.pids[1] .. "\n")
    else
      io.write(line(list, entry, word, how == "-l"))
    end
  end
  if words[at] then
    for i = at, #words do
      local entry, reason = M.find(shell, words[i])
      if entry then show(entry) else status = io.fail(("%s: %s"):format(words[i], reason)) end
    end
    return status
  end
  for _, entry in ipairs(list) do show(entry) end
  if list == shell.background then M.reap(shell) end
  return status
end

-- fg [JOB]
function M.fg(shell, words, io)
  if not controls(shell, io) then return 2 end
  local entry = named(shell, words[2], io)
  if not entry then return 1 end
  io.write(entry.text .. "\n")
  local modes, interrupts = M.modes(shell)
  if entry.stopped then set_modes(shell, entry.modes) end
  entry.stopped = nil
  touch(shell, entry)
  sys.job_continue(entry.job) -- before it has the terminal, so that a Ctrl-Z that comes then counts
  return run(shell, entry, modes, interrupts)
end

-- bg [JOB...]
function M.bg(shell, words, io)
  if not controls(shell, io) then return 2 end
  local status = 0
  for i = 2, math.max(#words, 2) do
    local entry = named(shell, words[i], io)
    if not entry then
      status = 1
    elseif not entry.stopped then
      io.fail(("[%d]: runs already"):format(entry.number))
    else
      entry.stopped = nil
      touch(shell, entry)
      io.write(("[%d]+ %s &\n"):format(entry.number, entry.text))
      sys.job_continue(entry.job)
    end
  end
  return status
end

-- Waits for a job: its status, STOPPED at once if it is stopped; nil when interrupted.
function M.wait_for(shell, entry)
  if entry.stopped then return STOPPED end
  local what = await(shell, entry, shell.interactive, true)
  if what == "interrupted" then return nil end
  if what == "stopped" then
    entry.stopped = true
    return STOPPED
  end
  local status = entry.status
  forget(shell, entry)
  return status
end

local function interrupted(shell)
  shell:poll()
  return 130
end

-- wait [JOB | PROCESS...]: without words for all that is not stopped.
function M.wait(shell, words, io)
  local status = 0
  if not words[2] then
    local at = 1
    while shell.background[at] do
      local result = M.wait_for(shell, shell.background[at])
      if not result then return interrupted(shell) end
      if result == STOPPED and shell.background[at] and shell.background[at].stopped then at = at + 1 end
    end
    shell.ended = {}
    return 0
  end
  for i = 2, #words do
    local entry, reason = M.find(shell, words[i])
    if entry then
      status = M.wait_for(shell, entry)
      if not status then return interrupted(shell) end
    else
      local pid = math.tointeger(tonumber(words[i]))
      status = pid and shell.ended[pid] or 127
      if words[i]:find("^%%") then io.fail(("%s: %s"):format(words[i], reason)) end
    end
  end
  return status
end

local SIGNALS = { HUP = 1, INT = 2, KILL = 9, TERM = 15, CONT = 18, STOP = 19, TSTP = 20 }
local KINDS = { [1] = swos.INTERRUPT_HUP, [2] = swos.INTERRUPT_INT, [15] = swos.INTERRUPT_TERM }

local function kill_job(entry, signal)
  if signal == SIGNALS.STOP or signal == SIGNALS.TSTP then
    entry.stopped = true
    return sys.job_stop(entry.job)
  elseif KINDS[signal] then
    sys.job_interrupt(entry.job, KINDS[signal])
  elseif signal ~= 0 and signal ~= SIGNALS.CONT then
    return sys.job_kill(entry.job, 128 + signal)
  end
  if signal ~= 0 then -- what was told to end has to run for it
    entry.stopped = nil
    sys.job_continue(entry.job)
  end
end

local STOPPING = { [SIGNALS.CONT] = true, [SIGNALS.STOP] = true, [SIGNALS.TSTP] = true }

-- kill [-SIGNAL] %JOB...; anything else is the program's, but what only jobs can: stop and go on. For these a
-- process stands for its job.
function M.kill(shell, words, io)
  local at, signal = 2, SIGNALS.TERM
  local word = words[2] and words[2]:match("^%-(.+)$")
  if word then
    at, signal = 3, SIGNALS[word:upper():gsub("^SIG", "")] or math.tointeger(tonumber(word))
  end
  local rest, status = table.move(words, 1, at - 1, 1, {}), 0
  for i = at, #words do
    if not words[i]:find("^%%") and not (STOPPING[signal] and M.find(shell, words[i])) then
      rest[#rest + 1] = words[i]
    elseif not signal then
      return io.fail("illegal signal " .. words[2], 2)
    else
      local entry = named(shell, words[i], io)
      if entry then kill_job(entry, signal) else status = 1 end
    end
  end
  if rest[at] or not words[at] then
    local process = require("swos.sh.process")
    local group = process.group(shell)
    local failed = process.start(group, rest)
    failed = process.wait(group) or failed
    if failed ~= 0 then status = failed end
  end
  return status
end

return M
