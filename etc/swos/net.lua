-- How the network is set up (docs/networking.md; every key: docs/reference/net.md). To change it, copy this
-- to /tmp/net.lua, edit, `svc check /tmp/net.lua`, `svc reload`.
return {
  interfaces = {
    net0 = {
      ipv4 = "dhcp",  -- or { address = "192.0.2.5/24", gateway = "192.0.2.1" }, or "off"
      ipv6 = "auto",  -- or { address = "2001:db8::5/64", gateway = "fe80::1" }, or "off"
    },
  },
  -- dns = { "192.0.2.53" },
  -- sntp = { "192.0.2.123", "time.example.org" },
}
