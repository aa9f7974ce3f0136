-- passwd: asks without echo, prints a record that the password fits, and who may.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local crypto = require("swcrypto")

local guest = Guest.start()
guest:login("root", "swordfish")

local function start(line)
  guest.position = #guest.text + 1
  guest:line(line)
  guest:expect("New password for ")
  guest:expect(": ")
end

local function modes() return guest:must("stty"):match("\n(.*)$") end

tap.test("the record fits the password, which is not shown", function()
  start("passwd user")
  guest:line("open sesame")
  guest:expect("Again: ")
  guest:line("open sesame")
  local record, shell = guest:expect_pattern("\nuser:2:0:14:([^:\r\n]+):([^\r\n]+)\r?\n")
  guest:prompt()
  tap.equal(shell, "/bin/sh")
  tap.check(crypto.argon2id_verify(record, "open sesame"), "%s is another password's", record)
  tap.check(not crypto.argon2id_verify(record, "open sesam"), "it fits any password")
  tap.lacks(guest.text, "open sesame", "the transcript")
  tap.equal(modes(), "echo icanon isig")
end)

tap.test("two that differ, none, Ctrl-C", function()
  start("passwd")
  guest:line("one")
  guest:expect("Again: ")
  guest:line("other")
  guest:expect("passwd: root: the two are not the same")
  guest:prompt()
  start("passwd")
  guest:line("")
  guest:expect("passwd: root: no password given")
  guest:prompt()
  start("passwd")
  guest:send("\3")
  guest:prompt()
  tap.equal(modes(), "echo icanon isig", "after Ctrl-C")
end)

tap.test("from a pipe, each time with another salt", function()
  local first = guest:must("echo secret | passwd guest")
  tap.check(first ~= guest:must("echo secret | passwd guest"), "the same record twice")
  local record = tap.matches(first, "^guest:3:0:2:(.*):/bin/sh$")
  tap.check(crypto.argon2id_verify(record, "secret"), "%s does not fit", first)
  local output, status = guest:run("passwd none </dev/null")
  tap.equal(output, "passwd: none: no such account")
  tap.equal(status, 1)
end)

guest:finish(function() guest:must("echo secret | passwd guest") end)

tap.test("user may not", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  local output, status = guest:run("echo secret | passwd")
  tap.equal(output, "passwd: user: permission denied (needs capability console)")
  tap.equal(status, 1)
end)

tap.done()
