-- User and guest run the shell's corpus, each command's --help and the first example of each page: what they
-- may not is refused with the capability's name, all else works; nothing hangs, no program shows its inside.

package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local pages = require("pages")

local PASSWORDS = { user = "swordfish", guest = "guest" }
local REFUSAL = "permission denied %(needs capability ([%l-]+)%)"
local TIME = 60 -- seconds a command may take
-- Each is a pattern of what a program prints that has failed inside.
local INSIDE = { "stack traceback", "internal error", "%.lua:%d+:", "attempt to " }

-- These ask, draw or go on until they are told to end: their own tests look at them.
local SKIPPED = { edit = true, top = true, less = true, more = true, watch = true, passwd = true,
  poweroff = true, reboot = true, logtail = true }

local guest = Guest.start({ disks = { { "build/test.img" } } })

local function is_whole(output, what)
  for _, pattern in ipairs(INSIDE) do
    tap.check(not output:find(pattern), "%s: %s", what, output)
  end
  for line in output:gmatch("[^\n]*permission denied[^\n]*") do
    tap.check(line:find(REFUSAL) or line:find("permission denied$"), "%s: %s", what, line)
  end
end

-- The results of the corpus: name -> output and status.
local function corpus()
  local text = guest:must("sh /corpus/run", 0, 240) .. "\n"
  local results, count = {}, 0
  for name, output, status in text:gmatch("=== ([%w_]+%.sh)\n(.-)\n=== status (%d+)\n") do
    results[name], count = output .. "\n" .. status, count + 1
  end
  tap.check(count >= 100, "only %d scripts ran", count)
  return results
end

-- guest may not read the corpus, so its scripts are typed; they and those they start may not write files.
local function typed_corpus()
  local output, status = guest:run("sh /corpus/run")
  tap.equal(output, "sh: /corpus/run: permission denied (needs capability fs-read)")
  tap.equal(status, 126)
  local refused, scripts = 0, assert(io.popen("ls tests/sh/*.sh"))
  for path in scripts:lines() do
    local file <close> = assert(io.open(path))
    local text = file:read("a"):gsub("'", "'\\''")
    if not text:find("\t", 1, true) then -- that would complete
      local from = #guest.text + 1
      guest.position = from
      guest:send(("T=/tmp sh -c '%s' </dev/null; echo \"=done=$?=\"\n"):format(text))
      local code = tonumber(guest:expect_pattern("=done=(%d+)=\r?\n", TIME))
      guest:prompt()
      tap.check(code <= 128, "%s: status %d", path, code)
      local came = guest.text:sub(from)
      is_whole(came, path)
      if came:find(REFUSAL) then refused = refused + 1 end
    end
  end
  scripts:close()
  tap.check(refused > 10, "only %d scripts were refused anything", refused)
end

local wanted
local function as(name)
  guest:login(name, PASSWORDS[name])
  tap.test(name .. ": the corpus", function()
    if name == "guest" then return typed_corpus() end
    for script, result in pairs(corpus()) do
      is_whole(result, script)
      tap.equal(result, wanted[script], script .. " as " .. name)
    end
  end)
  tap.test(name .. ": a refusal of the shell's own names the capability", function()
    for _, line in ipairs({ "echo x >/etc/x", "echo x >/x" }) do
      local output, status = guest:run(line)
      tap.check(status ~= 0, "%s: %s", line, output)
      is_whole(output, line)
    end
    if name ~= "guest" then return end
    for _, line in ipairs({ "echo x >/tmp/x", ": >/tmp/x", "cat </etc/motd >/tmp/x", "(echo x) >>/tmp/x",
      "{ :; } >/tmp/x", "exec 3>/tmp/x", "sh -c \"echo x >/tmp/x\"", "echo x | tee /tmp/x" }) do
      local output, status = guest:run("(" .. line .. ")")
      tap.matches(output, REFUSAL, line)
      tap.check(status ~= 0, "%s: status 0", line)
    end
  end)
  tap.test(name .. ": --help and the first example of each page", function()
    guest:run("mkdir -p /tmp/example; cd /tmp/example")
    for _, one in ipairs(pages) do
      local path = "/bin/" .. one.name
      local _, missing = guest:run("test -e " .. path)
      if missing == 0 then
        local output = guest:run(path .. " --help </dev/null", TIME)
        is_whole(output, one.name .. " --help")
      end
      local example = one.examples[1]
      if example and not SKIPPED[one.name] then
        local output, status = guest:run("(" .. example.command .. ") </dev/null", TIME)
        is_whole(output, example.command)
        tap.check(status < 128, "%s: status %d: %s", example.command, status, output)
      end
    end
    guest:run("cd /; rm -rf /tmp/example")
  end)
  guest:line("exit")
end

guest:login("root", "swordfish")
tap.test("root: the corpus", function() wanted = corpus() end)
guest:line("exit")
as("user")
as("guest")
tap.done()
