-- The lines of a terminal: with the editor (swos.sh.editor), or as the terminal has them when TERM says that
-- it is dumb. Their history.
--
-- While a line is edited the terminal neither echoes nor edits, and takes nothing behind an Enter until its
-- modes are set again (SW_TERMINAL_HOLD): what is typed ahead of a command's end meets the modes the command
-- runs with, which are set before it (leave). What was typed ahead was echoed where it fell; when its turn
-- comes it stands behind the prompt: a whole line is run, half a line is edited on.
local swos = require("swos")
local histories = require("swos.sh.history")
local Editor = require("swos.sh.editor")
local protocol = require("swos.protocol")
local fd = swos.fd

local READ_BYTES = 4096
local COOKED = swos.TERMINAL_CANONICAL | swos.TERMINAL_ECHO | swos.TERMINAL_SIGNALS
local HISTORY_MODE = 0x180 -- rw-------: lines may hold secrets
local PASTED_NS = 100000000 -- nobody types a line in less
local PLAIN_LINE = "^[^%c\127]*\n$"

local Lines = {}
Lines.__index = Lines

-- ---- history

local function load_history(history, path)
  local text = path and require("swos.fs").read(path)
  for line in (text or ""):gmatch("[^\n]+") do history:add(histories.decode(line)) end
end

local function append_history(path, text)
  local file = fd.open(path, swos.OPEN_WRITE | swos.OPEN_CREATE | swos.OPEN_APPEND, HISTORY_MODE)
  if not file then return end -- as a file that cannot be read, it is not there
  fd.write(file, histories.encode(text) .. "\n")
  fd.close(file)
end

-- Notes what was typed as one entry.
function Lines:remember(text)
  local shell, history = self.shell, self.history
  text = text:gsub("\n+$", "")
  history:set_limit(tonumber(shell:get("HISTSIZE") or ""))
  local path = shell:get("HISTFILE")
  if history:add(text) and path and path ~= "" then append_history(path, text) end
end

-- history [-c|COUNT]: lists the lines that were typed, or the last ones, or forgets them.
function Lines.builtin(shell, words, io)
  local history = shell.lines and shell.lines.history
  local count = words[2] and words[2]:match("^%d+$")
  if words[3] or words[2] and not count and words[2] ~= "-c" then
    return io.fail("usage: history [-c|COUNT]", 2)
  end
  if not history then return 0 end
  if words[2] == "-c" then
    history:set_limit(0)
    history:set_limit(nil)
    return 0
  end
  local shown = math.min(tonumber(count) or math.huge, history.last - history.first + 1)
  for i = history.last - shown + 1, history.last do io.write(("%5d  %s\n"):format(i, history[i])) end
end

-- ---- completion

-- Names in directories that end so, without the end.
local function names_in(directories, ending)
  local names = {}
  for _, directory in ipairs(directories) do
    for _, entry in ipairs(require("swos.fs").list(directory) or {}) do
      local name, count = entry.name:gsub(ending, "")
      if count == 1 then names[#names + 1] = name end
    end
  end
  return names
end

local function lookups(shell)
  local fs = require("swos.fs")
  local L = {}
  function L.variables() return shell:names() end
  function L.home() return shell:get("HOME") or "/" end
  function L.options(name) return require("swos.options").of(name) end
  function L.help(name) return (require("swos.options").page(name) or {}).help end
  function L.pages() return names_in({ "/share/man" }, "%.md$") end
  function L.services() return names_in({ "/etc/swos/services", "/tmp/services" }, "%.lua$") end
  function L.list(path)
    local entries = fs.list(path == "" and "." or path)
    for _, entry in ipairs(entries or {}) do entry.is_directory = entry.kind == swos.FILE_DIRECTORY end
    return entries
  end
  function L.commands()
    local names = require("swos.sh.builtins").names()
    for name in pairs(shell.functions) do names[#names + 1] = name end
    for name in pairs(shell.aliases) do names[#names + 1] = name end
    for directory in (shell:get("PATH") or "/bin"):gmatch("[^:]+") do
      for _, entry in ipairs(fs.list(directory) or {}) do
        local is_program = entry.kind ~= swos.FILE_DIRECTORY and entry.mode & 0x49 ~= 0
        if is_program then names[#names + 1] = entry.name end
      end
    end
    return names
  end
  return L
end

-- earlier: what was typed in the lines before this one.
local function complete(shell, earlier, left, right)
  local result = require("swos.sh.complete").complete(earlier .. left, right, lookups(shell))
  if not result or result.keep < #earlier then return nil end
  result.keep = result.keep - #earlier
  return result
end

-- ---- the terminal

-- An operation of the terminal's control; an interrupt is noted and does not end it.
local function ask(self, operation, fields)
  while true do
    local reply, _, name = protocol.terminal[operation](self.shell.control, fields)
    if name ~= "INTERRUPTED" and name ~= "UNKNOWN_OUTCOME" then return reply end
    self.shell:take_interrupts()
  end
end

-- drain: what was printed is on the terminal first.
local function set_mode(self, mode, drain)
  ask(self, "set_mode", { mode = mode, drain = drain and 1 or 0 })
end

local function edit_mode(self)
  set_mode(self, self.mode & swos.TERMINAL_SIGNALS | swos.TERMINAL_HOLD)
end

-- Finds the modes and the size; nil: it does not answer. What a command that went well has done to the modes
-- stays, what another has done is put back.
local function look(self)
  local now = ask(self, "get_mode", {})
  if not now then return nil end
  local is_ours = now.mode & swos.TERMINAL_HOLD ~= 0
  if not self.mode then
    self.mode = is_ours and COOKED or now.mode
  elseif self.shell.status == 0 and not is_ours then
    self.mode = now.mode
  end
  self.rows, self.columns = now.rows, now.columns
  return true
end

local function edits(self)
  local term = self.shell:get("TERM")
  return self.shell.control ~= nil and term ~= nil and term ~= "" and term ~= "dumb"
end

-- Adds what came by now to what is there, up to the end of a line: what is behind it may be for the command.
-- nil, message, name at an interrupt: what can be read after one was typed behind it, and stays.
local function read_ahead(self)
  while not self.ended and self.ahead:sub(-1) ~= "\n" do
    if self.shell.interrupts then return nil, "interrupted", "INTERRUPTED" end
    local piece, message, name = fd.read(0, READ_BYTES, 0)
    if name == "INTERRUPTED" then return nil, message, name end
    if not piece then break end
    self.ended = piece == ""
    self.ahead = self.ahead .. piece
  end
  return true
end

local function show_size(self)
  local size = self.editor.size
  if not size then return end
  self.editor.size, self.answers = nil, true
  if size[1] == self.rows and size[2] == self.columns or math.max(size[1], size[2]) > 0xffff then return end
  self.rows, self.columns = size[1], size[2]
  ask(self, "set_size", { rows = self.rows, columns = self.columns, reserved = 0 })
end

-- Feeds the editor; its event and text.
local function feed(self, bytes, before)
  local output, event, text = self.editor:feed(bytes)
  fd.write(1, (before or "") .. output)
  show_size(self)
  if not event and bytes:find("[\r\n\4]$") then edit_mode(self) end
  return event, text
end

-- The terminal is not asked for its size behind a line that came at once: of a paste more may come, and the
-- answer would meet the next command.
local function edit(self, prompt, is_first)
  local editor = self.editor
  local asks = is_first and self.answers ~= false and not self.is_pasted
  if asks and self.answers == nil then self.answers = false end -- until it does
  local began -- when the line's first character came
  local function take(bytes, before)
    local now = swos.monotonic()
    local event, text = feed(self, bytes, before)
    if not began and (event or editor.chars[1]) then began = now end
    return event, text
  end
  local event, text = take(self.ahead, editor:start(prompt, self.columns, asks, self.brackets))
  self.ahead = ""
  while not event do
    local bytes, message, name
    if not self.shell.interrupts then bytes, message, name = fd.read(0, READ_BYTES) end
    if self.shell.interrupts or name == "INTERRUPTED" then -- noted by ask, or come while it waited
      message, name = message or "interrupted", "INTERRUPTED"
      self.shell:take_interrupts()
      local bits = self.shell.interrupts or 0
      if bits & swos.INTERRUPT_INT ~= 0 then fd.write(1, editor:abandon()) end
      return nil, message, name
    end
    if not bytes or bytes == "" then return nil end
    event, text = take(bytes)
  end
  self.is_pasted = event == "line" and text ~= "" and swos.monotonic() - began < PASTED_NS
  if event == "line" then return text .. "\n" end
  if event == "end" then return nil end
  self.shell.interrupts = (self.shell.interrupts or 0) | swos.INTERRUPT_INT
  return nil, "interrupted", "INTERRUPTED"
end

-- A whole line that was typed ahead and is to be run as it is; "" at the end; nil: none. nil, message,
-- name.
local function line_ahead(self)
  local ok, message, name = read_ahead(self)
  if not ok then return nil, message, name end
  local line = self.ahead
  if line == "" and self.ended or self.was_echoed and line:find(PLAIN_LINE) then
    self.ahead, self.ended = "", nil
    return line
  end
end

-- The next line, with its newline. nil or "" at the end; nil, message, "INTERRUPTED". earlier: the lines it
-- goes on from, "" for a first one.
function Lines:read(prompt, earlier)
  if not edits(self) or not look(self) then
    fd.write(1, prompt)
    self.shell:take_interrupts()
    -- a line that is there already was typed after the Ctrl-C, and must not be read as what goes on
    if self.shell.interrupts then return nil, "interrupted", "INTERRUPTED" end
    return fd.read(0, READ_BYTES)
  end
  self.earlier = earlier
  self.brackets = not self.shell:get("TERM"):find("^vt")
  -- While a line is edited nothing is echoed, nor between the lines of one command.
  self.was_echoed = not self.is_editing and self.mode & swos.TERMINAL_ECHO ~= 0 and self.editor.input == ""
  local line, message, name = line_ahead(self)
  if not line and not name then
    edit_mode(self)
    self.is_editing = true
    line, message, name = line_ahead(self) -- what has come meanwhile, or was half a line
  end
  if name then
    self.ahead = ""
    return nil, message, name
  end
  if line then
    self.is_pasted = true
    fd.write(1, prompt .. line)
    return line
  end
  -- no prompt behind half a line
  if self.was_echoed and self.ahead:find("[^\n]$") then fd.write(1, "\n") end
  return edit(self, prompt, earlier == "")
end

-- Gives the terminal the modes commands have.
function Lines:leave()
  if not self.is_editing then return end
  self.is_editing = nil
  set_mode(self, self.mode, true) -- the terminal's echo of what is typed ahead would overtake the line's
end

function Lines.new(shell)
  local self = setmetatable({ shell = shell, history = histories.new(), ahead = "", earlier = "" }, Lines)
  self.editor = Editor.new({ history = self.history,
    complete = function(left, right) return complete(shell, self.earlier, left, right) end })
  load_history(self.history, shell:get("HISTFILE"))
  return self
end

return Lines
