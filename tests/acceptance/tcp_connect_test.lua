-- Connections the guest begins: tcpget with a real server, with nobody, with a name, and without rights.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local guest = Guest.start({ cpus = 2, more = network.card() })

tap.test("tcpget asks and prints the answer", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  local port = network.free_port("tcp")
  local server = network.start(("timeout 30 nc -l 127.0.0.1 %d"):format(port), "srv-reply\n")
  guest:sleep(0.5)
  tap.equal(guest:must("tcpget 10.0.2.2 " .. port), "srv-reply")
  tap.contains(server.output, "GET swos\n")
end)

tap.test("nobody listens: refused at once", function()
  local output, status = guest:run("tcpget 127.0.0.1 4444")
  tap.equal(status, 1)
  tap.contains(output, "tcpget: 127.0.0.1: connection refused")
  output, status = guest:run("tcpget 10.0.2.2 " .. network.free_port("tcp"))
  tap.equal(status, 1)
  tap.contains(output, "connection re") -- QEMU resets, or refuses
end)

tap.test("by name, and what is no name or port", function()
  network.background(guest, "echo", "tcpecho -k", "tcpecho: listening on 5555")
  tap.equal(guest:must("tcpget localhost"), "GET swos")
  local output, status = guest:run("tcpget no.such.name 80")
  tap.equal(status, 1)
  tap.contains(output, "tcpget: no.such.name: ")
  output, status = guest:run("tcpget localhost nonsense")
  tap.equal(status, 2)
  tap.contains(output, "nonsense: not a port")
end)

tap.test("a port can be listened at again at once, and by one program only", function()
  for _ = 1, 3 do
    guest:must("kill $(ps | while read -r pid rest; do case $rest in *tcpecho*) echo $pid; esac; done)")
    network.background(guest, "echo", "tcpecho -k", "tcpecho: listening on 5555")
    tap.equal(guest:must("tcpget localhost"), "GET swos")
  end
  local output, status = guest:run("tcpecho")
  tap.equal(status, 1)
  tap.contains(output, "tcpecho: listen: address already in use")
end)

tap.test("ss shows who listens", function()
  tap.matches(guest:must("ss -tul"), "tcp +LISTEN +0 +0 +%d+ +0%.0%.0%.0:5555 +%-")
  tap.lacks(guest:must("ss"), "LISTEN")
  tap.lacks(guest:must("ss -ul"), "tcp")
end)

tap.test("user and guest are refused", function()
  for _, account in ipairs({ { "user", "swordfish" }, { "guest", "guest" } }) do
    guest:line("exit")
    guest:login(table.unpack(account))
    for _, line in ipairs({ "tcpget 127.0.0.1 5555", "tcpecho", "udpecho" }) do
      local output, status = guest:run(line)
      tap.equal(status, 1, line)
      tap.contains(output, "permission denied (needs capability net)", line)
    end
  end
  guest:line("exit")
  guest:login("root", "swordfish")
end)

-- The one before went with its session.
network.background(guest, "echo", "tcpecho -k", "tcpecho: listening on 5555")
network.finish(guest, function()
  guest:must("tcpget localhost")
  guest:run("tcpget 127.0.0.1 4444; : >/tmp/echo")
end)

tap.test("without a card", function()
  local other <close> = Guest.start({})
  other:login("root", "swordfish")
  for _, line in ipairs({ "tcpget 127.0.0.1 5555", "tcpecho", "udpecho" }) do
    local output, status = other:run(line)
    tap.equal(status, 1, line)
    tap.contains(output, "there is no network on this machine", line)
  end
end)

tap.done()
