-- Capabilities: what an account without the bit is refused, by kernel or server and not by the
-- command. The list of operations is generated from runtime/abi, so an operation that declares a
-- bit and does not enforce it fails here; every account runs it, and root with each bit dropped.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local abi = dofile("build/generated/lua/abi.lua")

local ALL, NAMES = 0, {}
for name, bit in pairs(abi.capability) do
  ALL = ALL | bit
  NAMES[#NAMES + 1] = name
end
table.sort(NAMES)

local guest = Guest.start({ disks = { { "build/test.img" } },
  more = { "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0" } })

-- What the probe printed against a mask: how many operations were asked, by protocol; refused.
local function judge(output, mask)
  tap.equal(tonumber(tap.matches(output, "caps (%x+)"), 16), mask, "the mask")
  tap.lacks(output, "came back")
  local asked, refused = {}, 0
  for line in output:gmatch("[^\n]+") do
    local protocol, caps, status, code = line:match("^(%w+) [%w_-]+ (%x+) ([%u_]+) (%d+)$")
    if caps and status ~= "NOT_FOUND" then
      asked[protocol] = (asked[protocol] or 0) + 1
      local needed, missing = tonumber(caps, 16), 0
      for _, bit in pairs(abi.capability) do
        if needed & bit ~= 0 and mask & bit == 0 then missing = missing | bit end
      end
      -- A refusal carries 1 + the number of the missing bit.
      code = tonumber(code)
      if missing ~= 0 then
        refused = refused + 1
        tap.check(status == "ACCESS", "not refused without %x: %s", missing, line)
        tap.check(code > 0 and missing & (1 << (code - 1)) ~= 0, "names another bit: %s", line)
      else
        tap.check(not (status == "ACCESS" and code > 0), "refused with all bits: %s", line)
      end
    end
  end
  return asked, refused
end

local function declared(protocol)
  local count = 0
  for _ in pairs(abi.protocol[protocol].operations) do count = count + 1 end
  return count
end

-- Of which protocols root can have a connection: to how many servers, and what is asked more or less
-- (the conditions of open; `ready`). Of the others nobody's session can.
local WANTED = { auth = { 1, 0 }, file = { 2, 7 }, log = { 1, 0 }, names = { 1, -1 }, net = { 1, 0 },
  system = { 1, 0 },
  terminal = { 1, 0 } }

tap.test("root is refused nothing", function()
  guest:login("root", "swordfish")
  local asked, refused = judge(guest:must("/bin/tests/cap_probe", 0, 60), ALL)
  tap.equal(refused, 0)
  for protocol in pairs(abi.protocol) do
    local wanted = WANTED[protocol] or { 0, 0 }
    tap.equal(asked[protocol] or 0, wanted[1] * declared(protocol) + wanted[2], "asked of " .. protocol)
  end
end)

for _, name in ipairs(NAMES) do
  tap.test("root without " .. name, function()
    local keep = ALL & ~abi.capability[name]
    local _, refused = judge(guest:must(("/bin/tests/cap_probe %x"):format(keep), 0, 60), keep)
    -- A bit no reachable operation asks for would be a bit that gates nothing.
    tap.check(refused > 0 or name == "spawn", "nothing is refused without %s", name)
  end)
end

-- The commands of an account: { line, refused capability or false }.
local function commands(account, list)
  for _, case in ipairs(list) do
    local output, status = guest:run(case[1])
    if case[2] then
      tap.check(status ~= 0, "%s may %s: %s", account, case[1], output)
      tap.contains(output, ("permission denied (needs capability %s)"):format(case[2]), case[1])
    else
      tap.check(status == 0, "%s may not %s: %s", account, case[1], output)
    end
  end
end

tap.test("user: reads, writes /tmp, does not rule", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  local mask = abi.capability.spawn | abi.capability["fs-read"] | abi.capability["tmp-write"]
  local _, refused = judge(guest:must("/bin/tests/cap_probe", 0, 60), mask)
  tap.check(refused > 5, "only %d refused", refused)
  commands("user", {
    { "cat /etc/motd", false }, { "ls /", false }, { "echo x >/tmp/u", false },
    { "rm /tmp/u", false }, { "ps", false },
    { "poweroff", "power" }, { "reboot", "power" }, { "dmesg", "log-read" },
    { "ip addr", "net" }, { "ping -c 1 10.0.2.2", "net" }, { "nslookup swos", "net" },
    { "svc kill tmpfs", "device" }, { "svc trim", "device" },
    { "svc check /etc/swos/services/netd.lua", "device" }, { "svc logs netd", "log-read" },
    { "svc", false }, { "svc status netd", false }, { "svc why netd", false },
    { "metrics | head -n 1", false },
  })
end)

tap.test("guest: runs commands, reads nothing", function()
  guest:line("exit")
  guest:login("guest", "guest")
  local _, refused = judge(guest:must("/bin/tests/cap_probe", 0, 60), abi.capability.spawn)
  tap.check(refused > 10, "only %d refused", refused)
  commands("guest", {
    { "echo hello", false }, { "id", false },
    { "cat /etc/motd", "fs-read" }, { "ls /", "fs-read" }, { "ls /tmp", "fs-read" },
    { "mkdir /tmp/g", "tmp-write" }, { "touch /tmp/g", "tmp-write" },
    { "rm /tmp/kept", "tmp-write" }, { "poweroff", "power" }, { "dmesg", "log-read" },
    { "chown root /tmp", "fs-read" }, { "httpd", "fs-read" },
  })
  tap.contains(guest:must("id"), "caps=0x2 ")
end)

tap.test("what nobody may: the account records", function()
  guest:line("exit")
  for _, account in ipairs({ { "user", "swordfish" }, { "root", "swordfish" } }) do
    guest:login(account[1], account[2])
    local output, status = guest:run("cat /etc/swos/passwd")
    if account[1] == "user" then
      tap.check(status ~= 0, "user reads the records")
      tap.contains(output, "permission denied")
    end
    guest:line("exit")
  end
end)

tap.test("tmpfs enforces owner and mode", function()
  guest:login("root", "swordfish")
  guest:must("echo secret >/tmp/private && chmod 600 /tmp/private")
  guest:must("echo open >/tmp/public && chmod 644 /tmp/public")
  guest:must("mkdir /tmp/locked && chmod 700 /tmp/locked && echo x >/tmp/locked/f")
  guest:must("chmod 000 /tmp/private; mkdir -m 000 /tmp/none")
  -- Root may all but execute what nobody may, and write to the image.
  for _, test in ipairs({ "[", "env [" }) do
    for _, case in ipairs({ { "-r", "/tmp/private", 0 }, { "-w", "/tmp/private", 0 },
      { "-x", "/tmp/private", 1 }, { "-r", "/tmp/none", 0 }, { "-w", "/tmp/none", 0 },
      { "-x", "/tmp/none", 0 }, { "-x", "/bin/ls", 0 },
      { "-r", "/etc/swos/passwd", 0 }, { "-w", "/etc/passwd", 1 }, { "-w", "/etc", 1 }, { "-w", "/tmp", 0 },
      { "-r", "/dev/null", 0 }, { "-w", "/dev/null", 0 }, { "-x", "/dev/null", 1 } }) do
      local line = ("%s %s %s ]"):format(test, case[1], case[2])
      tap.equal(select(2, guest:run(line)), case[3], line)
    end
  end
  guest:must("cd /tmp/none; chmod 600 /tmp/private")
  guest:line("exit")
  guest:login("user", "swordfish")
  tap.equal(guest:must("cat /tmp/public"), "open")
  for _, line in ipairs({ "cat /tmp/private", "echo x >/tmp/private", "echo x >/tmp/public",
    "chmod 666 /tmp/private", "rm /tmp/private", "mv /tmp/private /tmp/mine", "ls /tmp/locked",
    "cat /tmp/locked/f", "echo x >/tmp/locked/g", "cd /tmp/locked", "cd /tmp/none" }) do
    local output, status = guest:run(line)
    tap.check(status ~= 0, "user may %s", line)
    tap.matches(output, "permission denied$", line)
  end
  guest:must("mkdir -m 500 /tmp/own; cd /tmp/own; cd /; chmod 400 /tmp/own")
  for _, test in ipairs({ "[", "env [" }) do
    guest:must(("! %s -r /tmp/private ] && ! %s -x /tmp/locked ]"):format(test, test))
    guest:must(("%s -r /tmp/public ] && ! %s -w /tmp/public ]"):format(test, test))
    guest:must(("%s -r /tmp/own ] && ! %s -w /tmp/own ] && ! %s -x /tmp/own ]"):format(test, test, test))
  end
  tap.matches(guest:run("cd /tmp/own"), "permission denied$")
  guest:must("rmdir /tmp/own")
  guest:line("exit")
  guest:login("root", "swordfish")
  tap.equal(guest:must("cat /tmp/private"), "secret")
  guest:must("rm -r /tmp/private /tmp/public /tmp/locked /tmp/none")
end)

tap.test("kill reaches the own session alone", function()
  local pid = tap.matches(guest:must("ps"), "(%d+)[^\n]*imgfs")
  local output, status = guest:run("kill " .. pid)
  tap.check(status ~= 0, "imgfs was killed: %s", output)
  guest:must("cat /hello.txt")
end)

guest:finish(function() guest:must("/bin/tests/cap_probe 2 | wc", 0, 60) end)
tap.done()
