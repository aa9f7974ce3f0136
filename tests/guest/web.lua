-- A small HTTP server to be a service: web.lua PORT [FILE]. It listens once FILE is there, answers 200, and
-- does as it is told by paths: from /hang on it answers nothing, from /ill on 503, from /riddle on what is
-- no HTTP, from /well on 200 again. It comes back when the network was started again.
local swos = require("swos")
local loop, net = swos.loop, swos.net

local REQUEST_MOST, PAUSE = 4096, 0.05
local ANSWERS = { well = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwell\n",
  ill = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nill\n", riddle = ("\0\255?"):rep(4096) }

local port, file = tonumber(arg[1]), arg[2]
local mood = "well"

local function serve(client)
  local request = ""
  while not request:find("\r\n\r\n", 1, true) do
    local bytes = client:read(nil, swos.deadline(60))
    if not bytes or bytes == "" or #request > REQUEST_MOST then return client:close() end
    request = request .. bytes
  end
  local word = request:match("^GET /(%l+) ")
  local before = mood
  if word == "hang" or ANSWERS[word] then mood = word end
  if before == "hang" then return loop.sleep(3600) end
  client:write(ANSWERS[mood] or ANSWERS.well, swos.deadline(60))
  client:close()
end

io.stdout:setvbuf("line")
loop.run(function()
  while file and not swos.fs.stat(file) do loop.sleep(PAUSE) end
  while true do
    local listener <close>, message = net.listen(port, swos.deadline(60))
    print(listener and "listening" or message)
    while listener do
      local client, why = listener:accept()
      if not client then
        print(why)
        break
      end
      loop.spawn(serve, client)
    end
    loop.sleep(PAUSE)  -- the port of a socket just closed is free a moment later
  end
end)
