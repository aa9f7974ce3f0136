-- The harness itself, against a shell script in the place of QEMU: what it finds, what it refuses.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

-- A machine with a login, a shell that echoes, and lines that provoke what the harness forbids.
local SCRIPT = [==[
printf 'M11c: read-only base mounted from disk\r\nswift-os login: '; read name; echo "$name"
printf 'Password: '; read password; echo
printf 'Welcome to swift-os, %s\r\nsession: principal=1 session=1 caps=15\r\n# ' "$name"
while read -r line; do
  case $line in *noise*) printf 'noise\r\n' ;; esac
  printf '%s\r\n' "$line"
  case $line in
  panic*) printf 'kernel panic: as asked\r\n' ;;
  leave*) exit 3 ;;
  hang*) sleep 60 ;;
  swos-counters*) eval "counters${line#swos-counters}" ;;
  *) eval "$line" ;;
  esac
  printf '# '
done
]==]

local path = os.tmpname()
do
  local file <close> = assert(io.open(path, "w"))
  file:write("#!/bin/sh\n", SCRIPT)
end
os.execute("chmod +x " .. path)
tap.on_done(function() os.remove(path) end)

local function start(options)
  options = options or {}
  options.qemu = path
  return Guest.start(options)
end

local function fails(words, body)
  local ok, message = pcall(body)
  tap.check(not ok, "it passed")
  tap.contains(message, words, "the failure")
end

tap.test("logs in, runs commands, tells output from status", function()
  local guest <close> = start()
  tap.contains(guest:login("root", "secret"), "Welcome to swift-os, root")
  local output, status = guest:run("echo one; echo two")
  tap.equal(output, "one\ntwo")
  tap.equal(status, 0)
  output, status = guest:run("(exit 7)")
  tap.equal(output, "")
  tap.equal(status, 7)
  fails("status 7, not 0", function() guest:must("(exit 7)") end)
end)

tap.test("what is printed before the echo of a command does not pass for it", function()
  local guest <close> = start()
  guest:login("root", "secret")
  local output, status = guest:run(": noise; echo one; (exit 3)")
  tap.matches(output, "one$")
  tap.equal(status, 3)
end)

tap.test("a pattern matches whole lines only", function()
  local guest <close> = start()
  guest:login("root", "secret")
  guest:line("printf 'checks: 1..4'; sleep 0.3; printf '0\\r\\nend'")
  guest:expect("\n")
  tap.equal(guest:expect_pattern("checks: 1%.%.(%d+)", 5), "40")
  fails("no match of end", function() guest:expect_pattern("end", 0.3) end)
  guest:expect("end")
end)

tap.test("a panic fails what waits", function()
  local guest <close> = start()
  guest:login("root", "secret")
  fails("the guest said \"panic\"", function() guest:run("panic") end)
end)

tap.test("a panic that is wanted does not", function()
  local guest <close> = start({ allow = { "panic" } })
  guest:login("root", "secret")
  guest:line("panic")
  guest:expect("as asked")
end)

tap.test("words that do not come time out", function()
  local guest <close> = start()
  fails("no \"never\"", function() guest:expect("never", 0.3) end)
end)

tap.test("the end of QEMU fails what waits, and is found by expect_end", function()
  local guest <close> = start()
  guest:login("root", "secret")
  guest:line("leave")
  fails("QEMU ended with status 3", function() guest:expect("never", 5) end)
  local other <close> = start()
  other:login("root", "secret")
  other:line("leave")
  other:expect_end(5)
end)

tap.test("words that must not come are found", function()
  local guest <close> = start()
  guest:login("root", "secret")
  guest:line("echo here")
  fails("came", function() guest:expect_silence("here", 2) end)
end)

tap.test("lost pages are found", function()
  local guest <close> = start()
  guest:login("root", "secret")
  guest:run("svc() { echo what init itself remembers takes $live bytes; }; top() { :; }; lua() { :; }")
  guest:run("pages=100 live=200 objects=30")
  guest:run("trim() { echo sh: 300 bytes live; }")
  guest:run("counters() { echo pages=$pages handles=2 objects=$objects heap=4 kernel=5 lua=7 "
    .. "types=1,2; }")
  guest:leak_check(function() end)
  fails("leak: pages 10", function()
    guest:leak_check(function() guest:run("pages=$((pages - 1))") end)
  end)
  fails("leak: bytes live in init 2", function()
    guest:leak_check(function() guest:run("live=$((live + 1))") end)
  end)
  fails("leak: objects 3", function()
    guest:leak_check(function() guest:run("objects=$((objects + 1))") end)
  end)
  fails("each of 3 times", function() -- a page a step, less often than the load runs
    local calls = 0
    guest:leak_check(function()
      calls = calls + 1
      if calls % 5 == 0 then guest:run("pages=$((pages - 1))") end
    end)
  end)
  local uses = 0
  guest:leak_check(function() -- a heap's first use of a page
    uses = uses + 1
    if uses == 5 then guest:run("pages=$((pages - 1))") end
  end)
  local turns, change = 2, 1
  guest:leak_check(function() -- a page that comes and goes
    turns = turns + 1
    if turns % 5 > 0 then return end
    change = -change
    guest:run(("pages=$((pages + %d))"):format(change))
  end)
  local calls = 0
  guest:leak_check(function() -- what was there at first may go late, but not for ever
    calls = calls + 1
    if calls == 5 then guest:run("objects=$((objects - 1))") end
  end)
  fails("each of 3 times", function()
    guest:leak_check(function() guest:run("objects=$((objects - 1))") end)
  end)
end)

tap.test("a hanging machine is killed at close", function()
  local pid
  do
    local guest <close> = start()
    guest:login("root", "secret")
    guest:line("hang")
    pid = guest.pid
  end
  tap.check(not os.execute(("kill -0 %d 2>/dev/null"):format(pid)), "process %d lives", pid)
end)

tap.done()
