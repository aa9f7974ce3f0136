-- Asks ports and HTTP paths of services whether they answer: for readiness, and for probes.
--
-- A service has at most one inquiry, which follows from its state, its process and its definition; what
-- comes for an earlier one is dropped. An inquiry asks one question at a time, over and over until it is
-- replaced. Each question has a deadline, netd's part in it, too: init waits for nobody. That nobody could
-- be asked (there is no network, netd is dead, slow, or speaks in riddles) is told apart from a service that
-- does not answer, and is not held against it.
local swos = require("swos")
local directory = require("init.directory")
local loop = require("swos.loop")
local net = require("swos.net")
local protocol = require("swos.protocol")
local question = require("swos.service.question")

local M = {}

local ADDRESSES = { "127.0.0.1", "::1" }
local RING = 4096
local READY_TIMEOUT = 5                    -- seconds an answer may take while a service starts
local READY_FIRST, READY_LONGEST = 0.1, 1  -- pauses between two questions then; they double
local PATIENCE = 1                         -- seconds beyond netd's own limit, which ends it if it hangs
local TEXT = 4096
-- What a service, and nobody else, makes of being asked.
local FAULTS = { REFUSED = true, RESET = true, TIMED_OUT = true }

-- Whether the port answers at one address: true; nil or false, why, a code if it is the network's.
local function ask_at(address, asked, deadline, network)
  local socket <close>, message, code = net.connect(address, asked.port, deadline,
    { network = network, ring = RING })
  if not socket then return nil, message, code end
  local request = question.request(asked)
  if not request then return true end
  local ok
  ok, message, code = socket:write(request, deadline)
  if not ok then return nil, message, code end
  local head = ""
  while true do
    local bytes
    bytes, message, code = socket:read(question.STATUS_MOST - #head, deadline)
    if not bytes then return nil, message, code end
    head = head .. bytes
    local verdict, why = question.judge(head, bytes == "")
    if verdict ~= nil then return verdict, why end
  end
end

-- Whether netd answers at all. The call waits long enough to be what a netd that hangs is found out by.
local function is_alive(network, netd)
  local reply, _, code = protocol.net.list(network, { what = swos.NET_RESOLVERS, capacity = TEXT },
    swos.deadline(netd.definition.overdue + PATIENCE))
  return reply ~= nil or code == "TOO_LARGE"
end

-- One question: "answered"; "missed", why; "unasked", why.
local function ask(asked, deadline)
  local netd = directory.server("net")
  if not netd then return "unasked", "there is no network on this machine" end
  if netd.state.name ~= "ready" then return "unasked", ("%s is %s"):format(netd.name, netd.state.name) end
  local pid = netd.pid
  local network <close>, problem = directory.connection("net", 0)
  if not network then return "unasked", problem end
  local ok, why, code
  for _, address in ipairs(ADDRESSES) do
    ok, why, code = ask_at(address, asked, deadline, network)
    if ok then return "answered" end
    if code ~= "REFUSED" then break end
  end
  why = why:gsub("^.*: ", "")  -- what is asked is said already
  if ok == nil and not FAULTS[code] then return "unasked", why end
  local alive = ok == false or code == "REFUSED" or is_alive(network, netd)
  if netd.pid ~= pid then return "unasked", netd.name .. " was started again meanwhile" end
  if not alive then return "unasked", netd.name .. " does not answer" end
  return "missed", why
end

local function stop(service)
  if service.inquiry and service.inquiry.timer then loop.cancel(service.inquiry.timer) end
  service.inquiry = nil
end

local plan

local function round(service, inquiry, tell)
  local good, outcome, why = xpcall(ask, debug.traceback, inquiry.question, swos.deadline(inquiry.timeout))
  if not good then
    loop.on_error(outcome)
    outcome, why = "unasked", "an error of init's own"
  end
  if service.inquiry ~= inquiry then return end
  inquiry.outcome, inquiry.why, inquiry.at = outcome, why, swos.monotonic()
  if outcome ~= "unasked" then tell(service, inquiry.kind, outcome, why) end
  if service.inquiry ~= inquiry then return end
  plan(service, inquiry, tell, inquiry.pause)
  inquiry.pause = math.min(2 * inquiry.pause, inquiry.longest)
end

function plan(service, inquiry, tell, seconds)
  inquiry.timer = loop.at(swos.deadline(seconds), function()
    inquiry.timer = nil
    loop.spawn(round, service, inquiry, tell)
  end)
end

-- Begins the inquiry that the service's state makes of interest, or ends the one that was. tell(service,
-- kind, outcome, why): kind "ready" or "probe", outcome "answered" or "missed".
function M.attend(service, tell)
  local state, definition = service.state.name, service.definition
  local asked, kind
  if state == "starting" and type(definition.ready) == "table" and definition.ready.port then
    asked, kind = definition.ready, "ready"
  elseif state == "ready" and definition.probe then
    asked, kind = definition.probe, "probe"
  end
  local current = service.inquiry
  if current and asked == current.question and service.pid == current.pid then return end
  stop(service)
  if not asked then return end
  local is_probe = kind == "probe"
  service.inquiry = { question = asked, kind = kind, pid = service.pid,
    timeout = is_probe and asked.timeout or READY_TIMEOUT,
    pause = is_probe and asked.seconds or READY_FIRST,
    longest = is_probe and asked.seconds or READY_LONGEST }
  plan(service, service.inquiry, tell, is_probe and asked.seconds or 0)
end

return M
