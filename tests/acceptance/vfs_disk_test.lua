-- Files of the base image as seen in the guest: the bytes of the host, from any disk slot,
-- read-only; and /tmp beside it.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")

local read = disk.read

-- The same sum on both sides: every byte and its place count.
local SUM = [[local a, b = 1, 0; local f = assert(io.open(arg[1], "rb"));
while true do local s = f:read(65536); if not s then break end;
for i = 1, #s do a = (a + s:byte(i)) % 65521; b = (b + a) % 65521 end end; print(a, b)]]

local function sum(bytes)
  local a, b = 1, 0
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return ("%d\t%d"):format(a, b)
end

local guest = Guest.start()
guest:login("root", "swordfish")

tap.test("the guide's files are there, byte for byte", function()
  for _, path in ipairs({ "/etc/motd", "/hello.txt", "/readme.txt", "/www/index.html",
    "/www/hello.txt" }) do
    local wanted = read("build/base" .. path)
    tap.equal(guest:must("cat " .. path) .. "\n", wanted:gsub("\n?$", "\n"), path)
  end
end)

tap.test("ls shows the tree", function()
  local root = guest:must("ls /")
  for _, name in ipairs({ "bin", "etc", "hello.txt", "readme.txt", "tmp", "www" }) do
    tap.contains("\n" .. root:gsub("%s+", "\n") .. "\n", "\n" .. name .. "\n", "ls /")
  end
  local long = guest:must("ls -l /hello.txt")
  tap.matches(long, "^%-rw%-r%-%-r%-%-")
  tap.contains(long, " " .. #read("build/base/hello.txt") .. " ")
  tap.matches(guest:must("ls -l /"), "drwxr%-xr%-x[^\n]* bin")
end)

tap.test("large files match the host's, block by block", function()
  guest:must("echo '" .. SUM:gsub("\n", " ") .. "' >/tmp/sum.lua")
  for _, path in ipairs({ "/bin/lua", "/bin/ls" }) do
    local file = io.open("build/base" .. path, "rb")
    if file then
      file:close()
      local wanted = sum(read("build/base" .. path))
      tap.equal(guest:must("lua /tmp/sum.lua " .. path, 0, 60), wanted, path)
    end
  end
  guest:must("rm /tmp/sum.lua")
end)

tap.test("the base cannot be changed", function()
  for _, command in ipairs({ "echo x >/hello.txt", "echo x >/new", "rm /hello.txt", "mkdir /new",
    "mv /hello.txt /new", "touch /new", "chmod 777 /hello.txt" }) do
    local output, status = guest:run(command)
    tap.check(status ~= 0, "%s succeeded", command)
    tap.matches(output:lower(), "read%-only", command)
  end
  tap.equal(guest:must("cat /hello.txt") .. "\n", read("build/base/hello.txt"))
end)

tap.test("what is not there is said so", function()
  local output, status = guest:run("cat /no/such/file")
  tap.check(status ~= 0)
  tap.contains(output, "not found")
  tap.contains(output, "/no/such/file")
  output, status = guest:run("cat /hello.txt/x")
  tap.check(status ~= 0)
  tap.contains(output, "/hello.txt/x")
  for _, command in ipairs({ "cat /www", "ls /no/such/folder" }) do
    tap.check(select(2, guest:run(command)) ~= 0, "%s succeeded", command)
  end
end)

tap.test("dot and dot-dot are lexical", function()
  tap.equal(guest:must("cat /www/../hello.txt"), guest:must("cat /./hello.txt"))
  tap.equal(guest:must("cd /www/sub/.. && pwd"), "/www")
  tap.equal(guest:must("cd /tmp/../.. && pwd"), "/")
end)

tap.test("/tmp keeps what is written", function()
  guest:must("mkdir /tmp/d && echo one >/tmp/d/f && echo two >>/tmp/d/f")
  tap.equal(guest:must("cat /tmp/d/f"), "one\ntwo")
  guest:must("mv /tmp/d/f /tmp/d/g && cp /tmp/d/g /tmp/h")
  tap.equal(guest:must("cat /tmp/h"), "one\ntwo")
  local _, status = guest:run("rmdir /tmp/d")
  tap.check(status ~= 0, "a full directory was removed")
  guest:must("rm /tmp/d/g /tmp/h && rmdir /tmp/d")
  _, status = guest:run("cat /tmp/h")
  tap.check(status ~= 0, "a removed file is still there")
end)

guest:finish(function()
  guest:must("mkdir /tmp/d; ls -l /bin >/tmp/d/f; cat /tmp/d/f | wc; mv /tmp/d/f /tmp/g")
  guest:must("cp /tmp/g /tmp/d/h; rm -r /tmp/g /tmp/d")
end)
guest:close()

tap.test("the base is found on any disk by its first sector", function()
  local other <close> = Guest.start({ disks = { { disk.blank(1 << 20), writable = true },
    { "build/base.img" }, { disk.blank(1 << 20) } } })
  other:login("root", "swordfish")
  other:must("cat /hello.txt")
end)

tap.done()
