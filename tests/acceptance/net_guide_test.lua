-- The command line of the operations guide, word for word, and what it forwards: 5555 of TCP and UDP. The
-- ports are this machine's own, so nothing else may have them.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local GUIDE = [[
qemu-system-aarch64 -M virt -cpu cortex-a72 -m 256M -nographic
  -global virtio-mmio.force-legacy=false
  -device loader,file=build/virt.dtb,addr=0x4FF00000,force-raw=on
  -drive file=build/base.img,format=raw,if=none,id=swosbase,readonly=on
  -device virtio-blk-device,drive=swosbase
  -netdev user,id=n0,hostfwd=tcp:127.0.0.1:8080-:8080,]] .. [[
hostfwd=tcp:127.0.0.1:5555-:5555,hostfwd=udp:127.0.0.1:5555-:5555
  -device virtio-net-device,netdev=n0
  -kernel build/kernel.elf]]

-- Free once: another test may have one of them for a while.
local function await_free(kind, port)
  for _ = 1, 240 do
    local socket = kind == "udp" and uv.new_udp() or uv.new_tcp()
    local free = socket:bind("127.0.0.1", port)
    socket:close()
    if free then return end
    uv.sleep(500) -- for that test to end
  end
  error(("port %d of %s is taken"):format(port, kind), 0)
end
await_free("tcp", 8080)
await_free("tcp", 5555)
await_free("udp", 5555)

local words = {}
for word in GUIDE:gmatch("%S+") do words[#words + 1] = word end
table.remove(words, 1) -- the program's name
local guest = Guest.start({ command = words })

tap.test("it boots and has an address", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  tap.contains(guest:must("dmesg"), "net-dhcp OK: lease 10.0.2.15 gateway 10.0.2.2 dns 10.0.2.3")
end)

tap.test("TCP at port 5555", function()
  network.background(guest, "tcp", "/bin/tcpecho", "tcpecho: listening on 5555")
  tap.equal((network.run(guest, "nc -w8 127.0.0.1 5555", "hello\n")), "hello\n")
  network.await_line(guest, "tcp", "tcpecho: got 6 bytes")
end)

tap.test("UDP at port 5555", function()
  network.background(guest, "udp", "/bin/udpecho", "udpecho: listening on 5555")
  tap.equal((network.run(guest, "nc -u -w2 127.0.0.1 5555", "hello\n")), "hello\n")
  network.await_line(guest, "udp", "udpecho: got 6 bytes from 10.0.2.2:")
end)

tap.test("load at port 8080, both ways", function()
  network.background(guest, "sink", "tcpload sink 8080", "tcpload: listening on 8080")
  network.run(guest, "head -c 4000000 /dev/zero | nc -N 127.0.0.1 8080", nil, 120)
  network.await_line(guest, "sink", "tcpload: got 4000000 bytes in ")
  network.background(guest, "source", "tcpload source 8080 4000K", "tcpload: listening on 8080")
  tap.equal((network.run(guest, "nc -d 127.0.0.1 8080 | wc -c", nil, 120)), "4096000\n")
  network.await_line(guest, "source", "tcpload: sent 4096000 bytes in ")
end)

tap.test("scons run-qemu forwards the same, unless NET=0", function()
  local folder <const> = os.tmpname()
  tap.on_done(function() os.execute("rm -rf " .. folder) end)
  assert(os.execute(("rm %s && mkdir %s && printf '#!/bin/sh\\necho \"$*\"\\n' >%s/qemu-system-aarch64 "
    .. "&& chmod +x %s/*"):format(folder, folder, folder, folder)))
  for arguments, wanted in pairs({ ["run-qemu"] = GUIDE:match("%-netdev %S+"),
    ["NET=0 run-qemu"] = "-nic none" }) do
    local pipe <close> = assert(io.popen(("PATH=%s:$PATH ./sconsw -s %s 2>&1"):format(folder, arguments)))
    tap.contains(pipe:read("a"), wanted)
  end
end)

guest:finish(function() guest:must("tcpget 127.0.0.1 9", 1) end)
tap.done()
