#!/bin/lua
-- help [NAME]: what there is, for somebody who has just logged in.
local accounts = require("swos.accounts")
local command = require("swos.command")
local fs = require("swos.fs")
local manual = require("swos.manual")
local terminals = require("swos.terminal")
local swos = require("swos")

local START = [[
swos: a small system of signed programs, servers that may fail, and capabilities in place of a superuser.

  man NAME          the page of a command: what it does, its options, examples
  man -k WORD       commands that have to do with a word
  NAME --help       its options in short
  man sh            the shell; man edit, man less: changing and reading files
]]
local READS = "  ls -l /  cd /www  cat /hello.txt      look around; the system at / is read-only\n"
local WRITES = "  cd /tmp                               yours to write in; it is memory, gone at a reboot\n"
local END = [[
  ps  top  free  uptime                 what runs, and what it takes
  id                                    who you are, and your capabilities
  svc  logtail  dmesg                   services and what they said
  exit                                  end this session and all it started

Tab completes names of commands and files. Ctrl-C interrupts.
]]

local _, names = command.options(arg)
if names[1] then
  local process, message = swos.spawn("/bin/man", { arguments = { "man", table.unpack(names) } })
  if not process then command.fail("man: " .. message) end
  os.exit(command.check(swos.process_wait(process)))
end

local _, columns = terminals.size()
local index, message = fs.read("/share/man/index")
local list = {}
for name in (index or ""):gmatch("([^:\n]+): [^\n]*") do list[#list + 1] = name end
local caps = assert(swos.sys.process_info(nil)).caps
io.write(START, "\n", accounts.may(caps, "fs-read") and READS or "",
  accounts.may(caps, "tmp-write") and WRITES or "", END, "\n")
if not index then command.fail(message) end
print("Pages:")
print(table.concat(manual.columns(list, columns or 80), "\n"))
