-- What is on the wire, as tshark sees it: QEMU records the frames of transfers; nothing is malformed, no
-- checksum is bad, nothing is sent twice on a clean link, and options are used as agreed.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local Peer = require("peer")
local disk = require("disk")
local network = require("network")

local SIZE = 4 << 20
local FULL = "\2\4\5\xb4\4\2\8\10\0\0\0\1\0\0\0\0\1\3\3\7"  -- MSS, SACK, timestamps, scale 7
local CHECKS = "-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE"

local guest  -- the one that runs now

-- Frames of a recording that a display filter lets through, as tshark's fields.
local function frames(file, filter, fields)
  local words = {}
  for field in (fields or "frame.number"):gmatch("%S+") do words[#words + 1] = "-e " .. field end
  local command = ("tshark -n -r %s %s -Y '%s' -T fields %s 2>/dev/null"):format(file, CHECKS, filter,
    table.concat(words, " "))
  local output, status = network.run(guest, command, nil, 120)
  tap.equal(status, 0, "status of tshark")
  local list = {}
  for line in output:gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

local function none(file, filter)
  local list = frames(file, filter, "frame.number _ws.col.Info")
  tap.equal(#list, 0, filter .. (list[1] and (" (" .. list[1] .. ")") or ""))
end

local function is_clean(file, own)
  tap.check(#frames(file, "tcp") > 10, "no TCP in the recording")
  -- What a program sends from a port that is some protocol's need not be of that protocol.
  none(file, "_ws.malformed && !(tcp.len > 0)")
  none(file, ("%s && (ip.checksum.status == \"Bad\" || tcp.checksum.status == \"Bad\" "
    .. "|| udp.checksum.status == \"Bad\")"):format(own))
  none(file, ("%s && (tcp.analysis.retransmission || tcp.analysis.fast_retransmission "
    .. "|| tcp.analysis.spurious_retransmission)"):format(own))
end

local function recorded(file) return { "-object", "filter-dump,id=dump,netdev=n0,file=" .. file } end

tap.test("tshark finds a bad checksum and a cut header if there is one", function()
  guest = Guest.start({})
  guest:login("root", "swordfish")
  local head = ("<I4I2I2i4I4I4I4"):pack(0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
  local frame = ("\2\0\0\0\0\1" .. "\2\0\0\0\0\2" .. "\8\0" .. "\x45\0\0\x18\0\1\0\0\64\17\0\0" .. "\10\9\0\2"
    .. "\10\9\0\1" .. "\0\7\0\7")
  local file = disk.write(head .. ("<I4I4I4I4"):pack(0, 0, #frame, #frame) .. frame)
  tap.equal(#frames(file, 'ip.checksum.status == "Bad"'), 1)
  tap.equal(#frames(file, "_ws.malformed && !(tcp.len > 0)"), 1)
  guest:close()
end)

tap.test("a transfer both ways with a real client", function()
  local file, port = disk.blank(0), network.free_port("tcp")
  local more = network.card({ { "tcp", port, 5555 } })
  table.move(recorded(file), 1, 2, #more + 1, more)
  guest = Guest.start({ cpus = 2, more = more })
  guest:login("root", "swordfish")
  network.await_address(guest)
  network.background(guest, "echo", "tcpecho -k", "tcpecho: listening on 5555")
  local path, back = disk.blank(0), disk.blank(0)
  assert(os.execute(("head -c %d /dev/urandom >%s"):format(SIZE, path)))
  network.run(guest, ("timeout 60 nc -N 127.0.0.1 %d <%s >%s"):format(port, path, back), nil, 65)
  tap.check(os.execute(("cmp -s %s %s"):format(path, back)), "other bytes came back")
  guest:run("tcpget 10.0.2.2 " .. network.free_port("tcp"))
  guest:must("ping -c 2 -i 0.1 10.0.2.2")
  guest:must("nslookup localhost")
  is_clean(file, "ip.src == 10.0.2.15")
  none(file, "ipv6 && icmpv6.checksum.status == \"Bad\"")
  local syn = frames(file, "ip.src == 10.0.2.15 && tcp.flags.syn == 1 && tcp.flags.ack == 0",
    "tcp.options.mss_val tcp.options.wscale.shift tcp.options.sack_perm tcp.options.timestamp.tsval")
  tap.check(#syn > 0, "no SYN of the guest")
  tap.matches(syn[1], "^1460\t%d+\t%S+\t%d+")
  local bytes = 0
  for _, length in ipairs(frames(file, "ip.src == 10.0.2.15 && tcp.srcport == 5555", "tcp.len")) do
    bytes = bytes + tonumber(length)
  end
  tap.equal(bytes, SIZE, "bytes the guest sent")
  guest:close()
end)

tap.test("window scale, timestamps and SACK with one who wants them", function()
  local file, peer = disk.blank(0), Peer.new()
  local more = peer:card()
  table.move(recorded(file), 1, 2, #more + 1, more)
  guest = Guest.start({ cpus = 2, more = more })
  peer:attach(guest)
  guest:login("root", "swordfish")
  guest:await("a lease", function() return guest:must("ip addr"):find("inet 10.9.0.2/24 dhcp", 1, true) end)
  network.background(guest, "echo", "tcpecho -k", "tcpecho: listening on 5555")
  local connection = peer:connect(5555, { syn_options = FULL })
  connection:lives()
  connection:segment(24, { seq = connection.seq + 5, data = "fghij" })
  peer:wait("a SACK", function()
    local last = connection.segments[#connection.segments]
    return last.options.sacks and last.options.sacks[1]
  end)
  connection:send("abcde")
  connection.seq = connection.seq + 5
  connection:await("abcdefghij")
  connection:close()
  is_clean(file, "ip.src == 10.9.0.2")
  local own = "ip.src == 10.9.0.2 && tcp.srcport == 5555 && "
  tap.check(#frames(file, own .. "tcp.options.sack_le") > 0, "no SACK")
  none(file, own .. "!tcp.options.timestamp.tsval && tcp.flags.reset == 0")
  tap.check(#frames(file, own .. "tcp.window_size_scalefactor > 1") > 0, "no window scale")
  guest:close()
end)

tap.done()
