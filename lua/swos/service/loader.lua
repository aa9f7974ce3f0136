-- Runs one service script in this process, which init made for it and gave nothing but the text (start
-- handle `text`) and a pipe for the result (descriptor 1). Arguments: the script's name, its bytes.
-- What is written is plain data: { result = bytes of what the script returned, lines = ... } or
-- { message = ... }.
local swos = require("swos")
local lines = require("swos.service.lines")
local plain = require("swos.service.plain")

-- Bytes the script's own Lua state may use; far less than the process's job allows.
local MEMORY = 4 << 20

return function(name, size)
  local source = assert(swos.sys.memory_read(swos.handle("text"), 0, math.tointeger(size)))
  local ok, result = swos.confine(source, name, MEMORY)
  local answer = ok and { result = result, lines = lines.map(source) } or { message = result }
  swos.fd.write(1, plain.encode(answer))
end
