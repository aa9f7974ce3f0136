-- Scripts made at random on which dash and the swos shell must agree: generate.lua FOLDER SEED COUNT.
-- They nest what the language has; loops end, and nothing but builtins and cat is run.
local folder, seed, count = arg[1], tonumber(arg[2]), tonumber(arg[3])
math.randomseed(seed)

local function pick(list) return list[math.random(#list)] end

local VARIABLES = { "a", "b", "c", "x1" }
local loops = 0
local command, statement

local function arithmetic(depth)
  local chance = math.random()
  if chance < 0.4 or depth > 2 then
    return pick({ "1", "2", "7", "010", "0x1f", "3", "n", "m", "$n", "n+1" })
  end
  if chance < 0.9 then
    return arithmetic(depth + 1) .. pick({ "+", "-", "*", "<", ">", "==", "!=", "&&", "||", "&", "|", "^",
      "<<", ">=", " % 5 + ", "/3*" }) .. arithmetic(depth + 1)
  end
  return pick({ "", "-", "!", "~" }) .. "(" .. arithmetic(depth + 1) .. ")"
end

local function quoted(name)
  return '"' .. pick({ "d q ", "", " x  y", "\\$", "*" }) .. pick({ "$" .. name, "${" .. name .. "}",
    "${" .. name .. ":-d  e}", "$@", "$*", "$#", "${" .. name .. "#?}", "", "'" })
    .. pick({ "", " z" }) .. '"'
end

local function parameter(name)
  local quote = pick({ "", '"' })
  return quote .. "${" .. name .. pick({ ":-", "-", ":+", "+", "#", "##", "%", "%%" })
    .. pick({ "w", "a b", '"q r"', "'s t'", "*", "?", "[a-c]", "$b", '"$b"', "*o", "b*", "", "[!x]", '"*"' })
    .. "}" .. quote
end

local function word(depth)
  local chance, name = math.random(), pick(VARIABLES)
  if chance < 0.2 then return pick({ "foo", "bar", "a.b", "x-y", "1", "22", "w*", "*" }) end
  if chance < 0.3 then return "'" .. pick({ "s q", "a  b", "$x", "*", "", 'a"b', "\\" }) .. "'" end
  if chance < 0.42 then return quoted(name) end
  if chance < 0.55 then return "$" .. name end
  if chance < 0.7 then return parameter(name) end
  if chance < 0.75 then return "${#" .. name .. "}" end
  if chance < 0.82 and depth < 2 then return "$(" .. command(depth + 1) .. ")" end
  if chance < 0.87 and depth < 2 then return '"$(' .. command(depth + 1) .. ')"' end
  if chance < 0.93 then return "$((" .. arithmetic(0) .. "))" end
  return pick({ "$@", '"$@"', "$*", '"$*"', "$#", "$?", "\\ ", "a\\*b", '"\\\\"', '\\"', "a$", "~x" })
end

local function words(depth)
  local list = {}
  for i = 1, math.random(4) do list[i] = word(depth) end
  return table.concat(list, " ")
end

function command(depth)
  local chance = math.random()
  if chance < 0.6 then return "printf '[%s]' " .. words(depth) end
  if chance < 0.7 then return "show " .. words(depth) end
  if chance < 0.75 then return pick({ "true", "false", ":", "(exit 3)", "! true" }) end
  if chance < 0.8 then return pick(VARIABLES) .. "=" .. word(depth) end
  if chance < 0.85 then return "set -- " .. words(depth) end
  if chance < 0.9 then return "echo z " .. pick({ "1", "2", "x" }) end
  if chance < 0.96 then return "n=$((" .. arithmetic(0) .. "))" end
  return 'eval "printf %s $n"'
end

local function condition()
  return pick({ '[ "$a" = foo ]', '[ -n "$b" ]', "true", "false", "! false", "[ $n -gt 3 ]", 'test -z "$c"',
    "case $a in f*) true;; *) false;; esac" })
end

-- By upper bound of the chance.
local COMPOUND = {
  { 0.42, function(inner) return command(0) .. pick({ " && ", " || ", "; " }) .. inner() end },
  { 0.50, function(inner)
    local otherwise = math.random(2) == 1 and "; else " .. inner() or ""
    return "if " .. condition() .. "; then " .. inner() .. otherwise .. "; fi"
  end },
  { 0.58, function(inner)
    return "for " .. pick(VARIABLES) .. " in " .. words(0) .. "; do " .. inner() .. "; "
      .. pick({ "", "", "break; ", "continue; " }) .. "done"
  end },
  { 0.63, function(inner)
    loops = loops + 1
    local name = "i" .. loops
    return ("N=0; while [ $N -lt %d ]; do N=$((N+1)); "):format(math.random(0, 3)):gsub("N", name) .. inner()
      .. "; done"
  end },
  { 0.70, function(inner)
    local pattern = pick({ "a*", '"$a"', "$b", "[a-f]*", "foo|bar", "?", "''" })
    return "case " .. word(0) .. " in " .. pattern .. ") " .. inner() .. ";; *) " .. inner() .. ";; esac"
  end },
  { 0.76, function(inner) return "(" .. inner() .. ")" end },
  { 0.80, function(inner) return "{ " .. inner() .. "; }" end },
  { 0.88, function(inner)
    return "{ " .. inner() .. "; } | " .. pick({ "cat", '{ read a b; printf "<%s|%s>" "$a" "$b"; }',
      'while read -r l; do printf "(%s)" "$l"; done', "cat | cat", "(cat; echo e)" })
  end },
  { 0.92, function(inner) return "f() { " .. inner() .. "; }; f " .. words(0) end },
  { 0.95, function(inner)
    return "IFS=" .. pick({ ":", '"x"', "' '", "''", "' :'", "o" }) .. "; " .. inner() .. "; unset IFS"
  end },
  { 1, function()
    local body = pick({ "$a $b", "one two three", " x: y:z",
      "$((" .. arithmetic(0) .. "))", "\\$a `echo q`" })
    return "read " .. pick({ "a b", "c", "a b c" }) .. " <<EOF\n" .. body .. "\nEOF\n:"
  end },
}

function statement(depth)
  local chance = math.random()
  if depth > 2 or chance < 0.35 then return command(0) end
  for _, entry in ipairs(COMPOUND) do
    if chance < entry[1] then return entry[2](function() return statement(depth + 1) end) end
  end
end

for number = 1, count do
  local lines = { 'show() { printf "(%s:%s)" "$#" "$*"; }', 'a=foo b="b a r" c= n=5 m=3' }
  if math.random() < 0.15 then lines[#lines + 1] = "set -u" end
  if math.random() < 0.15 then lines[#lines + 1] = "set -e" end
  if math.random() < 0.3 then lines[#lines + 1] = "set -- p 'q r' ''" end
  for _ = 1, math.random(3, 9) do
    lines[#lines + 1] = statement(0)
    lines[#lines + 1] = 'echo " $?"'
  end
  local file <close> = assert(io.open(("%s/random_%03d.sh"):format(folder, number), "w"))
  file:write(table.concat(lines, "\n"), "\n")
end
