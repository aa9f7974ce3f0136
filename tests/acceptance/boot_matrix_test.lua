-- The machines that must reach login: each CPU model, RAM from 20 MiB to 4 GiB, Image and ELF,
-- and the guide's command lines word for word.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local function reaches_login(name, options)
  tap.test(name, function()
    local guest <close> = Guest.start(options)
    guest:login("root", "swordfish", 120)
    guest:must("ls -l /bin")
    tap.note("%s: %d ms", name, guest:elapsed())
  end)
end

for _, kernel in ipairs({ "build/kernel.img", "build/kernel.elf" }) do
  for _, memory in ipairs({ "20M", "21M", "64M", "129M", "1G", "4G" }) do
    reaches_login(("%s with %s"):format(kernel, memory), { kernel = kernel, memory = memory })
  end
end

for _, cpu in ipairs({ "cortex-a53", "cortex-a57", "cortex-a72", "max" }) do
  tap.test("-cpu " .. cpu, function()
    local guest <close> = Guest.start({ cpu = cpu, cpus = 2 })
    guest:login("root", "swordfish", 120)
    -- A file's hash and a password's are what uses the model's own instructions.
    guest:leak_check(function()
      guest:must("cat /bin/lua /readme.txt | wc; lua -e 'print(1.5 * 2)'; ls -l /bin | wc")
    end, 2, 2)
  end)
end

-- The words of a shell command line without quotes, backslash-newlines joined.
local function words(text)
  local list = {}
  for word in text:gsub("\\\n", " "):gmatch("%S+") do list[#list + 1] = word end
  return list
end

-- The guide's lines. Its host ports are moved, so that tests may run beside a running guest;
-- nothing else is changed.
local GUIDE = {
  ["direct serial boot"] = [[
-M virt -cpu cortex-a72 -m 256M -nographic -no-reboot \
  -global virtio-mmio.force-legacy=false \
  -device loader,file=build/virt.dtb,addr=0x4FF00000,force-raw=on \
  -drive file=build/base.img,format=raw,if=none,id=swosbase,readonly=on \
  -device virtio-blk-device,drive=swosbase \
  -kernel build/kernel.elf]],
  ["network boot"] = [[
-M virt -cpu cortex-a72 -m 256M -nographic \
  -global virtio-mmio.force-legacy=false \
  -device loader,file=build/virt.dtb,addr=0x4FF00000,force-raw=on \
  -drive file=build/base.img,format=raw,if=none,id=swosbase,readonly=on \
  -device virtio-blk-device,drive=swosbase \
  -netdev user,id=n0,hostfwd=tcp:127.0.0.1:8080-:8080,hostfwd=tcp:127.0.0.1:5555-:5555,]] ..
    [[hostfwd=udp:127.0.0.1:5555-:5555 \
  -device virtio-net-device,netdev=n0 \
  -kernel build/kernel.elf]],
}

local function free_ports(text)
  local uv = require("luv")
  local function free()
    local socket = uv.new_tcp()
    socket:bind("127.0.0.1", 0)
    local port = socket:getsockname().port
    socket:close()
    uv.run("nowait")
    return port
  end
  return (text:gsub("127%.0%.0%.1:%d+", function() return "127.0.0.1:" .. free() end))
end

for _, name in ipairs({ "direct serial boot", "network boot" }) do
  reaches_login("the guide's " .. name, { command = words(free_ports(GUIDE[name])) })
end

-- With less than 5 MiB QEMU finds no place for the device tree and does not start. The password
-- hash alone takes 7 MiB.
tap.test("-m 5M reaches the prompt, and a login says what is missing", function()
  local guest <close> = Guest.start({ memory = "5M" })
  guest:expect("login: ", 20)
  guest:line("root")
  guest:expect("Password: ", 10)
  guest:line("swordfish")
  guest:expect("out of memory", 20)
end)

tap.done()
