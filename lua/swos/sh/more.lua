-- Builtins that few scripts use: getopts, type, command, alias, times.
local swos = require("swos")

local quoted = require("swos.sh.quote")

local M = {}

local KEYWORDS = {}
for word in ("if then else elif fi do done case esac while until for in { } !"):gmatch("%S+") do
  KEYWORDS[word] = true
end


-- getopts OPTIONS NAME [ARGUMENT...]: the place inside a word of several options is the shell's.
function M.getopts(shell, words, io)
  if not words[3] then return io.fail("usage: getopts OPTIONS NAME [ARGUMENT...]", 2) end
  local options, name = words[2], words[3]
  local arguments = words[4] and table.move(words, 4, #words, 1, {}) or shell.arguments
  local index = math.tointeger(tonumber(shell:get("OPTIND") or "1")) or 1
  local at = shell.option_at
  if not at or at.index ~= index then at = { index = index, place = 2 } end
  local word = arguments[index]
  if at.place == 2 then
    if not word or not word:find("^%-.") or word == "--" then
      if word == "--" then index = index + 1 end
      shell:set("OPTIND", tostring(index))
      shell:set(name, "?")
      shell.option_at = nil
      return 1
    end
  end
  local letter = word:sub(at.place, at.place)
  at.place = at.place + 1
  local where = letter ~= ":" and options:find(letter, 1, true)
  local silent = options:sub(1, 1) == ":"
  local result, value = letter, nil
  if not where then
    result = "?"
    if silent then value = letter else shell:say(("illegal option -%s"):format(letter)) end
  elseif options:sub(where + 1, where + 1) == ":" then
    value = at.place <= #word and word:sub(at.place) or arguments[index + 1]
    if at.place > #word then index = index + 1 end
    at.place = #word + 1
    if not value then
      result = silent and ":" or "?"
      if silent then value = letter else shell:say(("no argument for -%s option"):format(letter)) end
      index = #arguments
    end
  end
  if at.place > #word then
    index, at = index + 1, nil
  end
  shell.option_at = at and { index = index, place = at.place } or nil
  shell:set("OPTIND", tostring(index))
  shell:set("OPTARG", value)
  shell:set(name, result)
  return 0
end

-- What a command's name means: kind, detail.
local function meaning(shell, name)
  local builtins = require("swos.sh.builtins")
  if shell.aliases[name] then return "alias", shell.aliases[name] end
  if KEYWORDS[name] then return "keyword" end
  if builtins.special[name] then return "special" end
  if shell.functions[name] then return "function" end
  if builtins.commands[name] then return "builtin" end
  for _, path in ipairs(require("swos.sh.process").candidates(shell, name)) do
    local attributes = require("swos.fs").stat(path)
    if attributes and attributes.kind ~= swos.FILE_DIRECTORY and attributes.mode & 0x49 ~= 0 then
      return "file", path
    end
  end
end

local SENTENCES = { alias = "is an alias for %s", keyword = "is a shell keyword",
  special = "is a special shell builtin",
  ["function"] = "is a shell function", builtin = "is a shell builtin", file = "is %s" }

local function describe(shell, io, names, at)
  local status = 0
  for i = at, #names do
    local kind, detail = meaning(shell, names[i])
    if kind then
      io.write(names[i] .. " " .. SENTENCES[kind]:format(detail) .. "\n")
    else
      io.write(names[i] .. ": not found\n")
      status = 127
    end
  end
  return status
end

function M.type(shell, words, io) return describe(shell, io, words, 2) end

function M.command(shell, words, io)
  local at, option = 2, nil
  while words[at] and words[at]:find("^%-[vVp]$") do
    option, at = words[at], at + 1
  end
  if words[at] == "--" then at = at + 1 end
  if not words[at] then return 0 end
  if option == "-V" then return describe(shell, io, words, at) end
  if option == "-v" then
    local kind, detail = meaning(shell, words[at])
    if not kind then return 127 end
    if kind == "alias" then detail = ("alias %s=%s"):format(words[at], quoted(detail)) end
    io.write((detail or words[at]) .. "\n")
    return 0
  end
  local status = shell:protect(function() -- what a builtin raises ends no script
    return require("swos.sh.exec").run_words(shell, table.move(words, at, #words, 1, {}), {}, true)
  end)
  return status
end

function M.alias(shell, words, io)
  if not words[2] then
    local names = {}
    for name in pairs(shell.aliases) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do io.write(("%s=%s\n"):format(name, quoted(shell.aliases[name]))) end
  end
  local status = 0
  for i = 2, #words do
    local name, value = words[i]:match("^([^=]+)=(.*)$")
    if name then
      shell.aliases[name] = value
    elseif shell.aliases[words[i]] then
      io.write(("%s=%s\n"):format(words[i], quoted(shell.aliases[words[i]])))
    else
      status = io.fail(words[i] .. " not found")
    end
  end
  return status
end

function M.unalias(shell, words, io)
  if words[2] == "-a" then
    for name in pairs(shell.aliases) do shell.aliases[name] = nil end
    return 0
  end
  local status = 0
  for i = 2, #words do
    if not shell.aliases[words[i]] then status = io.fail(words[i] .. " not found") end
    shell.aliases[words[i]] = nil
  end
  return status
end

function M.hash() return 0 end

-- Only the shell's own time is known.
function M.times(_, _, io)
  local function show(nanoseconds)
    return ("%dm%.6fs"):format(nanoseconds // 60000000000, nanoseconds % 60000000000 / 1e9)
  end
  -- The shell's job has all it started, also what has ended; the kernel does not tell user and system apart.
  local own, all = swos.sys.process_info(nil).cpu_ns, swos.sys.job_info(swos.handle("job"))
  io.write(("%s %s\n%s %s\n"):format(show(own), show(0), show(math.max((all and all.cpu_ns or 0) - own, 0)),
    show(0)))
end

return M
