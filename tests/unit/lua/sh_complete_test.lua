-- What a Tab completes in the shell: where a word stands, what is there, how it is quoted.
package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local complete = require("swos.sh.complete").complete
local lexer_reads = require("swos.sh.parser").parse
local expand = require("swos.sh.expand")

local function directory(text)
  local list = {}
  for name in text:gmatch("%S+") do
    list[#list + 1] = { name = name:gsub("/$", ""):gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end), is_directory = name:find("/$") ~= nil }
  end
  return list
end

local FILES = {
  [""] = directory("etc/ file1 file2 .hidden it's a%20b a%22q%24x new%0aline 漢字 漢語 -dash only$one"),
  ["etc/"] = directory("passwd passwd- rc/"), ["/"] = directory("bin/ tmp/ boot"),
  ["/me/"] = directory("mine"), ["a b/"] = directory("in"),
}
local OPTIONS = { ls = { { short = "a", text = "all" }, { short = "l" }, { long = "list" },
  { short = "w", long = "width", argument = "N", text = "columns" }, { long = "where" } } }
local HELP = {
  svc = "usage: svc [list]\n       svc start|stop|status NAME\n       svc check FILE\nsvc svelte\n",
  ls = "usage: ls [-la] [PATH...]\n", crash = "usage: crash [list]\n       crash show [-r] NUMBER\n" }

local lookups = {
  commands = function() return { "ls", "lsdev", "echo", "cat", "exit", "ls" } end,
  variables = function() return { "HOME", "HOST", "PATH", "x1" } end,
  list = function(path) return FILES[path] end,
  options = function(name) return OPTIONS[name] end,
  help = function(name) return HELP[name] end,
  pages = function() return { "ls", "less" } end,
  services = function() return { "netd", "nicd" } end,
  home = function() return "/me" end,
}

-- The line after a Tab at |, or at the end; behind it in brackets what is listed when it is more than one.
local function tab(line)
  local left, right = line:match("^(.-)|(.*)$")
  if line:find("||", 1, true) or not left then left, right = line, "" end
  local result = complete(left, right, lookups)
  if not result then return "nothing" end
  local items = result.items[2] and " [" .. table.concat(result.items, " ") .. "]" or ""
  return left:sub(1, result.keep) .. result.text .. "|" .. right .. items
end

local function each(list)
  for i = 1, #list, 2 do tap.equal(tab(list[i]), list[i + 1], list[i]) end
end

tap.test("commands, where one can stand", function()
  each({ "ca", "cat |", "l", "ls| [ls lsdev]", "ls", "ls| [ls lsdev]", "lsd", "lsdev |", "true; ec",
    "true; echo |",
    "a && ec", "a && echo |", "a|| ec", "a|| echo |", "a || ec", "a || echo |", "(ec", "(echo |",
    "x=$(ec", "x=$(echo |", "echo `ec", "echo `echo |", "echo \"$(ec", "echo \"$(echo |", "if ec",
      "if echo |",
    "A=1 B=2 ec", "A=1 B=2 echo |", "{ ec", "{ echo |", "for\nec", "for\necho |", "zz", "nothing",
    ">f ec", ">f echo |", "echo $(true) ec", "nothing", "\"ec", "\"echo\" |", "# ec", "nothing",
    "#\nec", "#\necho |", "a# ec", "nothing", "cat (ls) && ec", "cat (ls) && echo |",
    "ec\\",
      "nothing" })
end)

tap.test("operands that are no files; files where none of them fits", function()
  each({ "man l", "man l| [less ls]", "man ls le", "man ls less |", "which ec", "which echo |",
    "type -a ec", "type -a echo |", "time -p ec", "time -p echo |", "time ls f",
      "time ls file| [file1 file2]",
    "timeout 3 ec", "timeout 3 echo |", "timeout ec", "nothing", "time etc/p",
      "time etc/passwd| [passwd passwd-]",
    "svc st", "svc st| [start status stop]", "svc sv", "nothing", "svc li", "svc list |",
    "svc stop n", "svc stop n| [netd nicd]", "svc stop netd n", "svc stop netd new'\n'line |",
    "svc check fi", "svc check file| [file1 file2]", "svc >fi", "svc >file| [file1 file2]",
    "crash sh", "crash show |", "crash show -r sh", "nothing", "ls la", "nothing" })
end)

tap.test("directories where no other file can be meant", function()
  each({ "cd ", "cd etc/|", "cd fi", "nothing", "cd etc/", "cd etc/rc/|", "rmdir /", "rmdir /| [bin/ tmp/]",
    "cd >fi", "cd >file| [file1 file2]" })
end)

tap.test("files", function()
  each({ "cat fi", "cat file| [file1 file2]", "cat file1", "cat file1 |", "cat e", "cat etc/|",
    "cat etc/", "cat etc/| [passwd passwd- rc/]", "cat etc/p", "cat etc/passwd| [passwd passwd-]",
    "cat etc/r", "cat etc/rc/|", "cat .h", "cat .hidden |", "cat /b", "cat /b| [bin/ boot]", "/b",
      "/b| [bin/ boot]",
    "cat >fi", "cat >file| [file1 file2]", "cat >e", "cat >etc/|", "2>e", "2>etc/|",
    "cat e>e", "cat e>etc/|", "cat 2>fi e", "cat 2>fi etc/|", "cat a >f fi", "cat a >f file| [file1 file2]",
    ">>e", ">>etc/|",
    "cat <e", "cat <etc/|", "A=e", "A=etc/|", "cat ~/m", "cat ~/mine |", "cat '~/m", "nothing",
    "cat fi|1", "cat file|1 [file1 file2]", "cat etc/pass| x", "cat etc/passwd| x [passwd passwd-]",
    "cat .hid| x", "cat .hidden| x", "cat no/", "nothing", "cat 漢", "cat 漢| [漢字 漢語]", "ls -- -d",
      "ls -- -dash |",
    "echo ab; cat $(cat e", "echo ab; cat $(cat etc/|" })
  tap.equal(tab("cat "):find(".hidden", 1, true), nil)
end)

tap.test("names that need quotes", function()
  each({ "cat it", "cat it\\'s |", "cat 'it", "cat 'it'\\''s' |", "cat \"it", "cat \"it's\" |", "cat a\\ ",
    "cat a\\ b |",
    "cat 'a ", "cat 'a b' |", "cat a\\\"", "cat a\\\"q\\$x |", "cat \"a\\\"", "cat \"a\\\"q\\$x\" |",
    "cat new", "cat new'\n'line |", "cat \"new", "cat \"new\nline\" |", "cat on", "cat only\\$one |",
    "cat a\\ b/", "cat a\\ b/in |", "cat 'a b'/i", "cat 'a b'/in |", "cat \"etc", "cat \"etc/|",
      "cat 'etc/r", "cat 'etc/rc/|" })
end)

tap.test("what it makes is read back as the name", function()
  local context = { get = function() end, arguments = function() return {} end,
    no_glob = function() return true end }
  for byte = 1, 255 do
    local name = "n" .. string.char(byte) .. "e"
    FILES["odd/"] = byte ~= 47 and { { name = name } } or nil
    for _, typed in ipairs(byte ~= 47 and { "cat odd/", "cat 'odd/", "cat \"odd/n" } or {}) do
      local result = complete(typed, "", lookups)
      local line = typed:sub(1, result.keep) .. result.text
      local words = expand.words(assert(lexer_reads(line))[1].words, context)
      tap.equal(words[2], "odd/" .. name, line)
      tap.equal(#words, 2, line)
    end
  end
end)

tap.test("variables", function()
  each({ "echo $HO", "echo $HO| [HOME HOST]", "echo $P", "echo $PATH|", "echo ${P", "echo ${PATH}|",
    "echo \"$x", "echo \"$x1|",
    "echo a$x", "echo a$x1|", "echo '$x", "nothing", "echo \\$x", "nothing", "echo \\\\$x", "echo \\\\$x1|",
      "$x", "$x1|",
    "echo $zz", "nothing" })
end)

tap.test("options", function()
  each({ "ls -", "ls -| [--list --where --width= -a -l -w]", "ls -a", "ls -a |", "ls --l", "ls --list |",
    "ls --w", "ls --w| [--where --width=]", "ls --wi", "ls --width=|", "ls --width=e", "ls --width=etc/|",
    "A=1 ls --l", "A=1 ls --list |", "ls fi --l", "ls fi --list |", "echo -d", "echo -dash |", "ls >-d",
      "ls >-dash |",
    "ls -- --li", "nothing", "ls - --l", "ls - --list |",
    "true && ls --l", "true && ls --list |" })
end)

tap.test("random lines do no harm", function()
  local PIECES = { "$(", "`", ")", "(", "'",
    '"', "\\", " ", "a", "$", "{", "<", ">", "2>&", "|", "&", ";", "\n", "#", "-", "=",
    "~/", "/", "etc/", "ls ", "漢", "\xff" }
  math.randomseed(tonumber(os.getenv("SEED") or "") or 7)
  for _ = 1, 20000 do
    local list = {}
    for i = 1, math.random(12) do list[i] = PIECES[math.random(#PIECES)] end
    local left = table.concat(list)
    local result = complete(left, "", lookups)
    if result then tap.check(result.keep <= #left and result.keep >= 0 and result.items[1]) end
  end
end)

tap.done()
