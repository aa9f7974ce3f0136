-- What /etc/swos/net.lua may say: every key with its type, default and one sentence; and the same for netd,
-- which reads lines of words (bin/netd/settings.h). Pure.
--
--   network.check(data) -> the settings, complete     or nil, { { path, text }... }
--   network.lines(settings, rules) -> what netd is given
--   network.rules(definition) -> the rules of a service whose script narrows `net`, or nil
local inet = require("swos.inet")
local schema = require("swos.service.schema")

local M = {}

local DNS_PORT, NTP_PORT = 53, 123

-- An address an interface may have: not zeros, no group, no loopback.
local function is_own(bytes, family)
  local first = bytes:byte()
  if family == 4 then return first ~= 0 and first ~= 127 and first < 224 end
  return first ~= 0xff and bytes:sub(1, 15) ~= ("\0"):rep(15)
end

local function interface_address(family)
  return function(text)
    local bytes, kind, bits = inet.prefix(text)
    if kind ~= family or not is_own(bytes, kind) then return false end
    if family == 6 then return bits == 64 end
    return bits >= 1
  end
end

local function address_of(family)
  return function(text)
    local bytes, kind = inet.parse(text)
    return bytes ~= nil and (not family or kind == family) and is_own(bytes, kind)
  end
end

local function is_host(text)
  if inet.parse(text) then return address_of()(text) end
  return #text <= 253 and not text:find("..", 1, true) and text:find("^%w[%w%-%.]*%w$") ~= nil
    and text:find("%a") ~= nil
end

-- "HOST", "HOST:PORT" or "[HOST]:PORT": the host and the port; nil: it is no port.
local function server(text, default)
  local host, digits = text:match("^%[([^%]]+)%]:(%d+)$")
  if not host then host, digits = text:match("^([^:]+):(%d+)$") end
  if not host then return text, default end
  return host, inet.port(digits)
end

local function server_of(is_good)
  return function(text)
    local host, port = server(text, 0)
    return port ~= nil and is_good(host)
  end
end

local GATEWAY = "Where packets for other networks go; none without."
local V4 = { { name = "address", kind = "string", needed = true, most = 18, valid = interface_address(4),
    expected = 'an address and the bits of its prefix like "192.0.2.5/24"', doc = "Its address." },
  { name = "gateway", kind = "string", most = 15, valid = address_of(4),
    expected = 'an IPv4 address like "192.0.2.1"', doc = GATEWAY } }
local V6 = { { name = "address", kind = "string", needed = true, most = 43, valid = interface_address(6),
    expected = 'an address like "2001:db8::5/64", always /64', doc = "Its address." },
  { name = "gateway", kind = "string", most = 39, valid = address_of(6),
    expected = 'an IPv6 address like "fe80::1"', doc = GATEWAY } }
local NAME_SERVER = { kind = "string", most = 47, valid = server_of(address_of()),
  expected = 'an IPv4 or IPv6 address, or with a port like "192.0.2.53:5353" or "[2001:db8::53]:5353"' }
local TIME_SERVER = { kind = "string", most = 255, valid = server_of(is_host),
  expected = "an address or the name of a host, or with a port like those of dns" }

-- In the order of the page.
M.keys = {
  { name = "interfaces", kind = "table", filled = true, doc = "By name.", keys = {
    { name = "net0", kind = "table", filled = true, doc = "The network card.", keys = {
      { name = "ipv4", kind = "either", choices = { "dhcp", "off" }, default = "dhcp", keys = V4,
        doc = "Address by DHCP, none, or this one." },
      { name = "ipv6", kind = "either", choices = { "auto", "off" }, default = "auto", keys = V6,
        doc = "Addresses by router advertisements, none, or this one; beside this one and those the "
          .. "link-local one." },
    } },
  } },
  { name = "dns", kind = "list", most = 4, of = NAME_SERVER,
    doc = "Name servers in the order they are asked, instead of those that DHCP and routers name." },
  { name = "sntp", kind = "list", most = 4, of = TIME_SERVER,
    doc = "Time servers in the order they are asked, instead of those DHCP names." },
  { name = "keepalive", kind = "table", filled = true,
    doc = "TCP connections that ask for it (SO_KEEPALIVE) are probed when they are silent.", keys = {
      { name = "idle", kind = "number", least = 1, greatest = 86400, default = 7200,
        doc = "Seconds of silence before the first probe." },
      { name = "interval", kind = "number", least = 1, greatest = 3600, default = 75,
        doc = "Seconds between probes." },
      { name = "probes", kind = "number", least = 1, greatest = 100, default = 9,
        doc = "Without an answer, until the connection is given up." } } },
}

-- An IPv4 address has to be a host's, and its gateway another host of that network.
local function check_ipv4(v4, problem)
  if type(v4) ~= "table" then return end
  local bytes, _, bits = inet.prefix(v4.address)
  local own, host = (">I4"):unpack(bytes), (1 << (32 - bits)) - 1
  if bits < 31 and (own & host == 0 or own & host == host) then
    problem("interfaces.net0.ipv4.address", "the address of the network itself, or of all in it")
  end
  if not v4.gateway then return end
  local gateway = (">I4"):unpack((inet.parse(v4.gateway)))
  if (own ~ gateway) & ~host ~= 0 then
    problem("interfaces.net0.ipv4.gateway", ("not in the network of %s"):format(v4.address))
  elseif own == gateway then
    problem("interfaces.net0.ipv4.gateway", "the interface's own address")
  end
end

function M.check(data)
  local settings, problems, problem = schema.check_table(data, M.keys)
  if not problems[1] then check_ipv4(settings.interfaces.net0.ipv4, problem) end
  if problems[1] then return nil, problems end
  return settings
end

-- An address's bytes, of IPv4 the first 4, in hexadecimal.
local function hex(bytes, family)
  local function digits(byte) return ("%02x"):format(byte:byte()) end
  return (bytes:sub(1, family == 4 and 4 or 16):gsub(".", digits))
end

-- FAMILY HEX of an address in letters.
local function words_of(text)
  local bytes, family = inet.parse(text)
  return family .. " " .. hex(bytes, family)
end

local function interface_line(name, value)
  if type(value) ~= "table" then return name .. " " .. value end
  local bytes, family, bits = inet.prefix(value.address)
  return ("%s static %s %d %s"):format(name, hex(bytes, family), bits,
    value.gateway and hex(inet.parse(value.gateway)) or "-")
end

-- A service's rules: { listen = { ports }, connect = { { bytes, family, bits } } }; nil: not narrowed.
function M.rules(definition)
  local narrow = definition.net
  if not narrow then return nil end
  local rules = { listen = narrow.listen, connect = {} }
  for i, text in ipairs(narrow.connect) do
    local bytes, family, bits = inet.prefix(text)
    rules.connect[i] = { bytes, family, bits }
  end
  return rules
end

-- rules: badge -> M.rules() of the services there are.
function M.lines(settings, rules)
  local lines = {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  local net0 = settings.interfaces.net0
  put("%s", interface_line("ipv4", net0.ipv4))
  put("%s", interface_line("ipv6", net0.ipv6))
  for _, text in ipairs(settings.dns) do
    local host, port = server(text, DNS_PORT)
    put("dns %s %d", words_of(host), port)
  end
  for _, text in ipairs(settings.sntp) do put("sntp %s %d", server(text, NTP_PORT)) end
  put("keepalive %d %d %d", settings.keepalive.idle, settings.keepalive.interval, settings.keepalive.probes)
  local badges = {}
  for badge in pairs(rules) do badges[#badges + 1] = badge end
  table.sort(badges)
  for _, badge in ipairs(badges) do
    put("rules %d", badge)
    for _, port in ipairs(rules[badge].listen) do put("listen %d", port) end
    for _, entry in ipairs(rules[badge].connect) do
      put("connect %d %s %d", entry[2], hex(entry[1], entry[2]), entry[3])
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- What of those lines is not services' rules.
function M.settings_of(text) return (text:gsub("\nrules .*$", "\n")) end

-- docs/reference/net.md
function M.page() return schema.page_of("Keys of net.lua", "lua/swos/service/network.lua", M.keys) end

return M
