-- Shows texts in a pager on the terminal: where they come from, and the loop of keys and pieces of input.
--
-- A source is { name, read = function() -> bytes, "" at its end; pipe = handle that tells when
-- there is more; more = whether there may be more after an end (files); close }. Nothing is read that is not
-- wanted.
local swos = require("swos")
local pager = require("swos.pager")
local terminals = require("swos.terminal")
local fd = swos.fd

local M = {}

local PIECE = 16384
local FOLLOW_SECONDS = 0.5 -- a file that grows is looked at that often

local HELP = [[
  q            leave
  h            this help

  space f      a page down        b            a page up
  j down       a line down        k up         a line up
  d            half a page down   u            half a page up
  g home       the beginning      G end        the end
  NUMBER g     that line          NUMBER %     that far, in percent
  left right   to the side, when long lines are cut

  /TEXT        search             ?TEXT        search backwards
  n            on                 N            the other way
               small letters stand for capitals, too

  F            follow what comes; Ctrl-C ends it
  :n :p        next, previous file
  -S -N -R     cut long lines, number lines, show colours
  =            where this is      Ctrl-L       draw again

  Ctrl-C ends reading for G or a search.
]]

-- A text there already is.
function M.text_source(name, text)
  return { name = name, read = function()
    local piece = text
    text = ""
    return piece
  end }
end

-- A descriptor: standard input or an open file.
function M.descriptor_source(name, number)
  local kind = fd.kind(number)
  local is_pipe = kind == swos.FD_PIPE
  return { name = name, pipe = is_pipe and swos.handle("fd/" .. number) or nil, more = not is_pipe,
    read = function() return fd.read(number, PIECE) end, close = function()
      if number > 2 then fd.close(number) end
    end }
end

-- Whether there is something of the text that was read before the pager began.
local function has_pieces(source)
  return source.pieces ~= nil and source.pieces[1] ~= nil
end

-- Reads a piece into the pager.
local function read_piece(source, one)
  local piece, message
  if has_pieces(source) then piece = table.remove(source.pieces, 1) else piece, message = source.read() end
  if not piece then
    one.message = message
    one:finish()
  elseif piece == "" then
    one:finish()
    if one.follow and source.more then one.ended = false end
  else
    one:feed(piece)
  end
end

-- Reads on until there is more than a screen of it: the text, if there is not; else nil, and what was read is
-- kept for the pager.
function M.short_text(source, rows, columns, options)
  local one = pager.new({ rows = rows, columns = columns, wrap = options.wrap })
  local pieces = {}
  repeat
    local piece, message = source.read()
    if not piece then return nil, message end
    pieces[#pieces + 1] = piece
    one:feed(piece)
    if piece == "" then one:finish() end
  until piece == "" or not one:wants()
  if one:is_one_screen() then return table.concat(pieces) end
  source.pieces = pieces
  return nil
end

-- While a goal is pursued the rows stay, and laying them out for each piece would take most of the time.
local function draw(terminal, one)
  local rows, status = one.drawn_rows
  if one.goal and rows and one.drawn_top == one.top then
    status = one:progress()
  else
    rows, status = one:view()
  end
  one.drawn_rows, one.drawn_top = rows, one.top
  rows[one.rows] = status
  terminal:draw(rows)
end

-- One step of input, or of waiting for a key: the key.
local function next_key(terminal, source, one)
  local wants = one:wants()
  if source.pipe and not has_pieces(source) then
    terminal:also_wait(source.pipe, wants or one.follow and not one.ended)
    local key = terminal:key()
    if key ~= "input" then return key end
    read_piece(source, one)
    return nil
  end
  if not wants and not (one.follow and source.more) then return terminal:key() end
  local before = one.cost + #one.partial
  read_piece(source, one)
  local is_waiting = one.follow and one.cost + #one.partial == before
  return terminal:key(is_waiting and swos.deadline(FOLLOW_SECONDS) or 0)
end

-- A pager over one source, until a key ends it: quit, next or previous.
local function page(terminal, source, options, words)
  options.rows, options.columns, options.name = terminal.rows, terminal.columns, source.name
  local one = pager.new(options)
  for _, word in ipairs(words or {}) do one:start(word) end
  local drawn
  if not source.pipe then read_piece(source, one) end
  while true do
    -- Between pieces of a file that is read to its end only the first is drawn, for it may take a while.
    if not terminal:has_typed() and (not drawn or not one:wants() or one.follow or source.pipe) then
      draw(terminal, one)
      drawn = true
    end
    local key = next_key(terminal, source, one)
    local action = key == "gone" and "quit" or key and one:key(key)
    if key then drawn = false end
    if action == "quit" or action == "next" or action == "previous" then return action end
    if action == "redraw" then
      terminal:renew()
      one.rows, one.columns, one.cache, one.cached = terminal.rows, terminal.columns, {}, 0
    elseif action == "help" and not options.is_help then
      terminal:also_wait(nil, false)
      page(terminal, M.text_source("help", HELP), { is_help = true })
    elseif options.leave_at_end and key and one.ended and not one.goal and not one.prompt
        and select(2, one:view()):find("(END)", 1, true) then
      return "quit"
    end
  end
end

-- Shows the sources (or functions that open them) one after the other. options: of swos.pager, and
-- leave_at_end; words: of the command line, as Pager:start takes them. nil, message without a terminal.
function M.show(sources, options, words)
  local terminal <close>, message = terminals.open()
  if not terminal then return nil, message end
  local at = 1
  while true do
    local source = sources[at]
    if type(source) == "function" then
      local failure
      source, failure = source()
      source = source or M.text_source("", failure .. "\n")
    end
    local copy = {}
    for key, value in pairs(options) do copy[key] = value end
    local action = page(terminal, source, copy, words)
    terminal:also_wait(nil, false)
    if source.close then source.close() end
    if action == "quit" then return true end
    if not sources[at + 1] and action == "next" and options.leave_at_end then return true end
    at = math.max(1, math.min(#sources, at + (action == "next" and 1 or -1)))
  end
end

return M
