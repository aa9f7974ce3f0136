-- Internet addresses: text to bytes and back, and what is none.

package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local inet = require("swos.inet")

local function hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

tap.test("IPv4", function()
  local bytes, family = inet.parse("10.0.2.15")
  tap.equal(hex(bytes), "0a00020f" .. ("0"):rep(24))
  tap.equal(family, 4)
  tap.equal(inet.format(bytes, 4), "10.0.2.15")
  tap.equal(inet.format("\10", 4), "10.0.0.0")
end)

tap.test("IPv6, in and out", function()
  for _, case in ipairs({
    { "::", "::" }, { "::1", "::1" }, { "fe80::1", "fe80::1" }, { "1::", "1::" },
    { "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" }, { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
    { "1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8" }, { "::ffff:10.0.0.1", "::ffff:a00:1" },
    { "64:ff9b::1.2.3.4", "64:ff9b::102:304" }, { "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
  }) do
    local bytes, family = inet.parse(case[1])
    tap.equal(family, 6, case[1])
    tap.equal(#bytes, 16, case[1])
    tap.equal(inet.format(bytes, 6), case[2])
  end
end)

tap.test("what is no address", function()
  for _, text in ipairs({ "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4444", "a.b.c.d", ":", ":::",
    "1::2::3",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "::1.2.3", "swos" }) do
    tap.equal(inet.parse(text), nil, text)
  end
end)

tap.test("ports", function()
  tap.equal(inet.port("5555"), 5555)
  for _, text in ipairs({ "", "0", "65536", "x", "1.5", "-1" }) do tap.equal(inet.port(text), nil, text) end
end)

tap.done()
