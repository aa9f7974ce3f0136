-- The pages of commands: what --help prints, that the options a page declares are taken and no others, and
-- that every example does what the page says.
--
-- The examples of a page run one after the other, as root, in a directory below /tmp that is empty at first;
-- so do those of docs/user-guide.md.

package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local page = require("swos.page")
local pages = require("pages")

-- These take every word as an operand.
local TAKES_ALL = { echo = true, test = true, ["true"] = true, ["false"] = true }

local guest = Guest.start({ more = { "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0" } })
guest:login("root", "swordfish")

-- Whether text is what an example prints; lines of a pattern may end with "...", which is any rest.
local function matches(example, text)
  local wanted = example.output
  local lines = {}
  for line in (text == "" and "" or text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  if #lines < #wanted or (#lines > #wanted and not example.open) then return false end
  for i, line in ipairs(wanted) do
    local start = line:match("^(.*)%.%.%.$")
    if start and lines[i]:sub(1, #start) ~= start or not start and lines[i]:gsub("%s+$", "") ~= line then
      return false
    end
  end
  return true
end

tap.test("--help is the page's, an unknown option is refused", function()
  for _, one in ipairs(pages) do
    local path = "/bin/" .. one.name
    local _, missing = guest:run("test -e " .. path) -- a page may be of a builtin of the shell
    if not TAKES_ALL[one.name] and missing == 0 then
      tap.equal(guest:must(path .. " --help"), (page.help(one):gsub("\n$", "")), one.name .. " --help")
      local output, status = guest:run(path .. " --no-such-option")
      tap.equal(status, 2, one.name .. " --no-such-option: status")
      tap.contains(output, one.name .. ": unknown option --no-such-option")
      tap.contains(output, "usage: " .. one.synopsis[1])
    end
  end
end)

local function test_examples(name, path, examples)
  tap.test("examples of " .. name, function()
    guest:must("cd / && rm -rf /tmp/example && mkdir /tmp/example && cd /tmp/example")
    for _, example in ipairs(examples) do
      local output = guest:run(example.command)
      tap.check(matches(example, output), "%s:%d: %s printed:\n%s", path, example.line, example.command,
        output)
    end
  end)
end

for _, one in ipairs(pages) do
  if #one.examples > 0 then test_examples(one.name, "docs/commands/" .. one.name .. ".md", one.examples) end
end

local guide = assert(io.open("docs/user-guide.md"))
local examples = page.examples(guide:read("a"))
guide:close()
tap.check(#examples > 20, "only %d examples in the guide", #examples)
test_examples("the user's guide", "docs/user-guide.md", examples)
guest:must("rm -rf /tmp/guide")

guest:finish(function() guest:must("cd / && rm -rf /tmp/example; ls --help; svc help") end)

tap.done()
