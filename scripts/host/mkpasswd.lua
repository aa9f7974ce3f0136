-- Makes a line of /etc/swos/passwd: lua5.4 scripts/host/mkpasswd.lua NAME PRINCIPAL CAPS [SHELL]
-- with the password as the first line of standard input. CAPS is a decimal mask or `all`.
-- The salt is random, so each run gives another line; etc/swos/passwd keeps what was made once.

local crypto = require("swcrypto")
local fail = require("tool").fail

local PASSES, MEMORY = 6, 7 << 20 -- about 0.15 s on the guest; the memory is taken at use

local name, principal, caps, shell = table.unpack(arg)
shell = shell or "/bin/sh"
if not caps then fail("usage: mkpasswd.lua NAME PRINCIPAL CAPS [SHELL], password on standard input") end
if not name:match("^[%w_.-]+$") or #name > 32 then fail("bad name: %s", name) end
if not principal:match("^%d+$") then fail("bad principal: %s", principal) end
if caps ~= "all" and not caps:match("^%d+$") then fail("bad capability mask: %s", caps) end
if shell:find("[:\n]") or shell:sub(1, 1) ~= "/" then fail("bad shell: %s", shell) end
local password = io.read("l")
if not password then fail("no password on standard input") end

print(table.concat({ name, principal, "0", caps, crypto.argon2id(password, PASSES, MEMORY), shell }, ":"))
