-- Makes a shell script that runs the cases of tests/commands in the folder it is started in:
--   lua5.4 tests/commands/script.lua OUT
-- For each case it prints "=== NUMBER", then what the case printed as base64, then "=== status N".
local cases = dofile("tests/commands/cases.lua")
local file = assert(io.open(arg[1], "w"))
file:write("mkdir work\ncd work\n", cases.setup, "\n")
for i, case in ipairs(cases.list) do
  file:write(("echo '=== %d'\n"):format(i), case.utf8 and "export LC_ALL=C.UTF-8\n" or "export LC_ALL=C\n",
    "(\n", case.command, "\n) </dev/null >../out 2>/dev/null\nstatus=$?\nbase64 <../out\n",
    "echo \"=== status $status\"\n")
end
file:write("cd ..\nrm -rf work out\n")
file:close()
