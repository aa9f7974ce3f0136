-- tests/guest/machine.c in keeper's place: what the holder of authorities and devices may not do
-- either. Code authority, DMA pins and sealing, registers, sessions.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local machine = require("machine")

local kernel = machine.with_bundle("build/kernel.img", "build/machine.bundle")

for _, cpus in ipairs({ 1, 4 }) do
  tap.test(("the checks of tests/guest/machine.c hold with %d CPUs"):format(cpus), function()
    local guest <close> = Guest.start({ kernel = kernel, cpus = cpus, memory = "64M", disks = {} })
    guest:expect_end(30)
    local output = guest.text:gsub("\r", "")
    for line in output:gmatch("not ok[^\n]*") do tap.note("%s", line) end
    tap.lacks(output, "not ok")
    local plan = tonumber(tap.matches(output, "\n1%.%.(%d+)"))
    local _, passed = output:gsub("\nok ", "")
    tap.equal(passed, plan, "checks passed")
  end)
end

tap.done()
