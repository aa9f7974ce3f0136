-- Names: nslookup with a dnsmasq of the test's own, A and AAAA, names that do not exist, servers that do not
-- answer or answer nonsense; and what netd resolves by itself.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local port = network.free_port("udp")
network.start(("exec /usr/sbin/dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null "
  .. "--user= --pid-file= --listen-address=127.0.0.1 --bind-interfaces --port=%d "
  .. "--address=/v4.test/192.0.2.7 --address=/v6.test/2001:db8::7 "
  .. "--cname=alias.test,v4.test --local=/test/ 2>&1"):format(port))

-- A server that answers whatever it is told to.
local liar, answer = uv.new_udp(), nil
liar:bind("127.0.0.1", 0)
local liar_port = liar:getsockname().port
liar:recv_start(function(_, data, from)
  if data and answer then liar:send(answer(data), from.ip, from.port) end
end)

local guest = Guest.start({ more = network.card() })

local function lookup(words)
  return guest:run("nslookup " .. words, 20)
end

tap.test("A and AAAA from a server given", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  tap.equal(guest:must(("nslookup v4.test 10.0.2.2 %d"):format(port)), "v4.test -> 192.0.2.7")
  tap.equal(guest:must(("nslookup v6.test 10.0.2.2 %d AAAA"):format(port)), "v6.test -> 2001:db8::7")
end)

tap.test("what does not exist", function()
  local output, status = lookup(("no.test 10.0.2.2 %d"):format(port))
  tap.equal(status, 1)
  tap.contains(output, "nslookup: no.test: ")
  output, status = lookup(("v4.test 10.0.2.2 %d AAAA"):format(port))
  tap.equal(status, 1)
  tap.contains(output, "v4.test: no ") -- such name, or address
end)

tap.test("a server that does not answer, and one that lies", function()
  local output, status = lookup(("v4.test 10.0.2.2 %d"):format(liar_port))
  tap.equal(status, 1)
  tap.contains(output, "10.0.2.2 does not answer")
  local header = "\x81\x80\0\1\0\1\0\0\0\0"
  for _, tail in ipairs({ "", "\xff", ("\63"):rep(300),
    "\0\0\1\0\1" .. "\xc0\x0c\0\1\0\1\0\0\0\0\xff\xff\1\2\3\4",
    "\0\0\1\0\1" .. "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1" }) do
    answer = function(question) return question:sub(1, 2) .. header .. tail end
    output, status = lookup(("v4.test 10.0.2.2 %d"):format(liar_port))
    tap.equal(status, 1)
    tap.contains(output, "v4.test: malformed answer")
  end
  answer = function(question) return question:sub(1, 2) .. "\x81\x82\0\0\0\0\0\0\0\0" end
  tap.contains((lookup(("v4.test 10.0.2.2 %d"):format(liar_port))), "error 2")
end)

tap.test("words that make no sense", function()
  for _, words in ipairs({ "", "a b c d e", "v4.test 10.0.2.2 0" }) do
    local _, status = lookup(words)
    tap.equal(status, 2, words)
  end
end)

tap.test("netd knows itself", function()
  tap.equal(guest:must("nslookup localhost"), "localhost -> 127.0.0.1")
  tap.equal(guest:must("nslookup localhost AAAA"), "localhost -> ::1")
  tap.equal(guest:must("nslookup 192.0.2.1"), "192.0.2.1 -> 192.0.2.1")
end)

guest:finish(function() guest:must(("nslookup v4.test 10.0.2.2 %d"):format(port)) end)
tap.done()
