-- The tree itself: folder READMEs, file lengths and names, style, reference pages up to date.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local disk = require("disk")

local README_LINES, FILE_LINES, HEAD_LINES = 15, 800, 30
local FOLDERS = "bin docs etc kernel lua runtime scripts tests"
-- Public headers are described where they belong to; the image's web pages are content.
local NO_README = { "/include", "^etc/root", "^kernel/arch$", "^runtime/abi/protocols$" }

local function lines_of(command)
  local list = {}
  local pipe <close> = assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

local function count_lines(text)
  return select(2, text:gsub("\n", ""))
end

local function is_any(path, patterns)
  for _, pattern in ipairs(patterns) do
    if path:find(pattern) then return true end
  end
  return false
end

-- All that is wrong in one message, so that one run is enough to mend it.
local function none(wrong)
  tap.check(#wrong == 0, "%s", table.concat(wrong, "; "))
end

local files = lines_of("find " .. FOLDERS .. " SConstruct sconsw -type f | sort")

tap.test("every folder has a README of at most 15 lines", function()
  local wrong = {}
  for _, folder in ipairs(lines_of("find " .. FOLDERS .. " -type d | sort")) do
    local readme <close> = io.open(folder .. "/README.md")
    if not readme then
      if not is_any(folder, NO_README) then wrong[#wrong + 1] = folder .. " has none" end
    elseif count_lines(readme:read("a")) > README_LINES then
      wrong[#wrong + 1] = folder .. "/README.md is longer"
    end
  end
  none(wrong)
end)

tap.test("a file over 800 lines says why at its head", function()
  local wrong = {}
  for _, file in ipairs(files) do
    local text = disk.read(file)
    if count_lines(text) > FILE_LINES then
      local head = text:match(("[^\n]*\n"):rep(HEAD_LINES)):lower()
      if not head:find("one file", 1, true) then
        wrong[#wrong + 1] = file .. ' (the reason begins "one file because")'
      end
    end
  end
  none(wrong)
end)

tap.test("no file is called util, misc, common or helpers", function()
  local wrong = {}
  for _, file in ipairs(files) do
    local name = file:match("([^/]*)$"):match("^[^.]*")
    if name == "util" or name == "utils" or name == "misc" or name == "common" or name == "helpers" then
      wrong[#wrong + 1] = file
    end
  end
  none(wrong)
end)

tap.test("luacheck and clang-format find nothing (`scons lint`)", function()
  local pipe <close> = assert(io.popen("sh scripts/host/lint.sh"))
  local said = pipe:read("a")
  tap.check(pipe:close(), "%s", said)
end)

tap.test("docs/reference is what runtime/abi and the schema say (a build writes it)", function()
  local out = lines_of("mktemp -d")[1]
  tap.on_done(function() os.execute("rm -rf " .. out) end)
  tap.check(os.execute("lua5.4 runtime/abi/generate.lua " .. out), "generate.lua failed")
  for page, module in pairs({ services = "schema", net = "network" }) do
    local command = "lua5.4 scripts/host/mkpage.lua swos.service.%s %s/reference/%s.md"
    tap.check(os.execute(command:format(module, out, page)), "mkpage.lua failed")
  end
  none(lines_of(("diff -rq %s/reference docs/reference | grep -v README.md"):format(out)))
end)

tap.test("every reference page is named in the folder's README", function()
  local readme = disk.read("docs/reference/README.md")
  for _, page in ipairs(lines_of("cd docs/reference && ls *.md | grep -v README")) do
    tap.contains(readme, page)
  end
end)

tap.done()
