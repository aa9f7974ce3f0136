-- httpd with real clients: the guide's commands, what HTTP/1.1 asks for, bad and slow clients, and what is
-- left of it when it, netd or nicd die.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")
local exposition = require("exposition")
local network = require("network")

local port, second = network.free_port("tcp"), network.free_port("tcp")
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } },
  more = network.card({ { "tcp", port, 8080 }, { "tcp", second, 8081 } }) })

-- Runs a command of this machine; PORT and SECOND in it are the ports that lead to 8080 and 8081.
local function client(command, timeout)
  return network.run(guest, (command:gsub("PORT", port):gsub("SECOND", second)), nil, timeout or 60)
end

local function log() return guest:must("svc logs httpd") end

local function await_log(line)
  network.until_true(guest, line, function() return log():find(line, 1, true) end)
end

-- Sends bytes as they are; what comes until the server ends. Pieces are sent one after the other.
local function raw(at, ...)
  local connection = network.connect(at)
  for _, piece in ipairs { ... } do connection.send(piece) end
  network.until_true(guest, "the end", function() return connection.ended end)
  connection.close()
  return connection.text, connection.problem
end

-- Status lines of a text of responses.
local function statuses(text)
  local list = {}
  for status in text:gmatch("HTTP/1%.1 (%d+) ") do list[#list + 1] = status end
  return table.concat(list, " ")
end

local HOST = "Host: h\r\n"

local function serve(name, command)
  network.background(guest, name, command, "httpd: listening on 8081")
end

local function stop(name)
  guest:must(("kill $(ps | grep httpd | grep -v grep | tail -n 1 | cut -c 1-5); rm -f /tmp/%s"):format(name))
end

tap.test("a service, and the guide's commands", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  tap.contains(guest:must("svc start httpd", 0, 60), "httpd: ready")
  tap.contains(log(), "httpd: listening on 8080")
  tap.contains(client("curl -s http://127.0.0.1:PORT/"), "/www/index.html")
  tap.equal(client("curl -s http://127.0.0.1:PORT/hello.txt"), "Hello from /www.\n")
  tap.contains(client("curl -s http://127.0.0.1:PORT/sub/"), '<a href="./note.txt">note.txt</a>')
  tap.contains(client("curl -si http://127.0.0.1:PORT/nope"), "HTTP/1.1 404 Not Found")
  tap.contains(client("curl -si http://127.0.0.1:PORT/hello.txt"), "Content-Type: text/plain; charset=utf-8")
  tap.contains(client("curl -si http://127.0.0.1:PORT/"), "Content-Type: text/html; charset=utf-8")
  tap.equal(client("curl -s http://127.0.0.1:PORT/health"), "ok\n")
  tap.equal(client("wget -qO- http://127.0.0.1:PORT/sub"), client("curl -s http://127.0.0.1:PORT/sub/"))
  for _, line in ipairs { "httpd: 200 /\n", "httpd: 200 /hello.txt\n", "httpd: 404 /nope\n",
      "httpd: 301 /sub\n", "httpd: 200 /sub/\n" } do
    await_log(line)
  end
end)

tap.test("HEAD, entity tags, ranges", function()
  local head = client("curl -sI http://127.0.0.1:PORT/hello.txt")
  tap.contains(head, "HTTP/1.1 200 OK")
  tap.contains(head, "Content-Length: 17\r\n")
  local tag = head:match("ETag: (%b\"\")")
  local function with(field, path)
    return client(("curl -si -H '%s' http://127.0.0.1:PORT/%s"):format(field, path or "hello.txt"))
  end
  local same = with("If-None-Match: " .. tag)
  tap.contains(same, "HTTP/1.1 304 Not Modified")
  tap.lacks(same, "Hello")
  tap.contains(with('If-None-Match: "other"'), "HTTP/1.1 200 OK")
  local part = with("Range: bytes=6-9")
  tap.contains(part, "HTTP/1.1 206 Partial Content")
  tap.contains(part, "Content-Range: bytes 6-9/17\r\n")
  tap.contains(part, "\r\n\r\nfrom")
  tap.contains(with("Range: bytes=-6"), "\r\n\r\n/www.\n")
  local outside = with("Range: bytes=17-")
  tap.contains(outside, "HTTP/1.1 416 Range Not Satisfiable")
  tap.contains(outside, "Content-Range: bytes */17\r\n")
  tap.contains(client(("curl -si -H 'Range: bytes=0-0' -H 'If-Range: %s' http://127.0.0.1:PORT/hello.txt")
    :format(tag)), "HTTP/1.1 206")
  tap.contains(client("curl -si -H 'Range: bytes=0-0' -H 'If-Range: \"x\"' http://127.0.0.1:PORT/hello.txt"),
    "HTTP/1.1 200")
end)

local function query(at, text)
  return network.run(guest, ("curl -sG --data-urlencode 'query=%s' http://127.0.0.1:%d/api/v1/query")
    :format(text, at))
end

tap.test("/metrics: what `metrics` prints, as promtool and a Prometheus of the test's own read it", function()
  local page = exposition.read(client("curl -s http://127.0.0.1:PORT/metrics"))
  local printed = exposition.read(guest:must("metrics") .. "\n")
  for name in pairs(printed.value) do tap.check(page.value[name], "%s is missing", name) end
  tap.check(page.value['httpd_responses_total{code="200"}'] >= 3)
  tap.contains(client("curl -sI http://127.0.0.1:PORT/metrics"), "Content-Type: text/plain; version=0.0.4")
  -- the names of node_exporter are not as promtool would have them
  tap.equal(client("curl -s http://127.0.0.1:PORT/metrics | promtool check metrics 2>&1"
    .. " | grep -v snake_case"), "")
  local config = disk.write(("scrape_configs: [ { job_name: swos, scrape_interval: 1s,"
    .. " static_configs: [ { targets: [ '127.0.0.1:%d' ] } ] } ]\n"):format(port))
  local at, folder = network.free_port("tcp"), network.run(guest, "mktemp -d"):match("%S+")
  local prometheus = network.start(("exec prometheus --config.file=%s --storage.tsdb.path=%s/data "
    .. "--log.level=error --web.listen-address=127.0.0.1:%d 2>&1"):format(config, folder, at))
  tap.on_done(function()
    if not prometheus.status then uv.kill(prometheus.pid, "sigkill") end
    os.execute("rm -rf " .. folder)
  end)
  network.until_true(guest, "a scrape", function()
    if prometheus.status then error("prometheus ended: " .. prometheus.output, 0) end
    return query(at, "up"):find('"1"]', 1, true)
  end, 120)
  tap.contains(query(at, "node_memory_MemTotal_bytes"),
    ('"%d"'):format(page.value.node_memory_MemTotal_bytes))
  tap.contains(query(at, 'swos_service_up{service="httpd"}'), '"1"]')
  uv.kill(prometheus.pid, "sigkill")
  network.until_true(guest, "the end of prometheus", function() return prometheus.status end)
end)

tap.test("/metrics asked for by many at once, several times each: no page has parts of another", function()
  -- Pages that are copies of one answer have the same total of bytes sent, which httpd adds itself.
  local one, askers, by_total = "GET /metrics HTTP/1.1\r\n" .. HOST .. "\r\n", {}, {}
  for i = 1, 150 do -- one after the other: QEMU's forward queues few
    askers[i] = network.connect(port)
    askers[i].send("GET /health HTTP/1.1\r\n" .. HOST .. "\r\n")
    network.until_true(guest, "an answer", function() return askers[i].text:find("ok\n", 1, true) end)
  end
  for i = 1, 150 do askers[i].send(one:rep(6) .. "GET /health HTTP/1.0\r\n\r\n") end
  for i = 1, 150 do
    network.until_true(guest, "the end", function() return askers[i].ended end, 120)
    local text, pages = askers[i].text:match("ok\n(.*)"), 0
    while true do
      local head, body = text:match("^(.-\r\n)\r\n()")
      local length = tap.matches(head or text, "\r\nContent%-Length: (%d+)\r\n")
      if not head:find("Content-Type: text/plain; version=", 1, true) then break end
      local page = text:sub(body, body + length - 1)
      local total = exposition.read(page).value.httpd_body_bytes_total
      by_total[total] = by_total[total] or page
      tap.check(page == by_total[total], "two pages of one answer differ: %s and %s", by_total[total], page)
      text, pages = text:sub(body + length), pages + 1
    end
    tap.equal(pages, 6)
    askers[i].close()
  end
end)

tap.test("/metrics without its service: 503, and nobody else waits", function()
  guest:must("svc stop metrics", 0, 60)
  local asked = network.start(("curl -si http://127.0.0.1:%d/metrics"):format(port))
  while not asked.status do tap.equal(client("curl -s http://127.0.0.1:PORT/health"), "ok\n") end
  tap.contains(asked.output, "HTTP/1.1 503")
  guest:must("svc start metrics", 0, 60)
  tap.contains(client("curl -si http://127.0.0.1:PORT/metrics"), "HTTP/1.1 200")
  guest:must("svc kill metrics")
  tap.contains(client("curl -si http://127.0.0.1:PORT/metrics"), "HTTP/1.1 200")
end)

-- Sent as they are; the statuses of the answers, and the connection ends.
local BAD = {
  { "GET /\r\n\r\n", "400" },
  { "nonsense\r\n\r\n", "400" },
  { "\0\1\2\3\r\n\r\n", "400" },
  { "GET / HTTP/1.1\r\n\r\n", "400" },
  { "GET / HTTP/1.1\r\n" .. HOST .. "Bad Field: x\r\n\r\n", "400" },
  { "GET /%00 HTTP/1.1\r\n" .. HOST .. "\r\n", "400" },
  { "GET / HTTP/3.0\r\n" .. HOST .. "\r\n", "505" },
  { "GET /" .. ("a"):rep(2000) .. " HTTP/1.1\r\n" .. HOST .. "\r\n", "414" },
  { "GET / HTTP/1.1\r\n" .. HOST .. "A: " .. ("a"):rep(9000) .. "\r\n\r\n", "431" },
  { "GET / HTTP/1.1\r\n" .. HOST .. ("A: b\r\n"):rep(200) .. "\r\n", "431" },
  { "POST / HTTP/1.1\r\n" .. HOST .. "Content-Length: 70000\r\n\r\n" .. ("x"):rep(70000), "413" },
  { "POST / HTTP/1.1\r\n" .. HOST .. "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411" },
  { "GET /hello.txt HTTP/1.0\r\n\r\n", "200" },
  { "GET /hello.txt HTTP/1.1\r\n" .. HOST .. "Connection: close\r\n\r\n", "200" },
  -- a body is read over, and the next request understood
  { "POST /hello.txt HTTP/1.1\r\n" .. HOST .. "Content-Length: 5\r\n\r\nGET /"
    .. "GET /hello.txt HTTP/1.0\r\n\r\n", "405 200" },
  { "DELETE / HTTP/1.1\r\n" .. HOST .. "Connection: close\r\n\r\n", "405" },
}

tap.test("malformed and oversized requests", function()
  for i, case in ipairs(BAD) do
    local text, problem = raw(port, case[1])
    tap.equal(statuses(text), case[2], "case " .. i)
    tap.equal(problem, nil, "the end of case " .. i)
  end
  tap.contains((raw(port, "PUT / HTTP/1.0\r\n\r\n")), "Allow: GET, HEAD\r\n")
end)

tap.test("no path leads out of the root", function()
  for _, path in ipairs { "/../etc/passwd", "/..%2fetc/passwd", "/%2e%2e/etc/passwd", "/sub/../../etc/passwd",
      "/sub/%2E%2E/..//etc/passwd", "//../../etc/swos/passwd", "/./../etc/motd",
      "/sub/..%2f..%2fetc%2fmotd" } do
    local text = client(("curl -si --path-as-is 'http://127.0.0.1:PORT%s'"):format(path))
    tap.contains(text, "HTTP/1.1 404", path)
  end
  tap.contains(client("curl -s --path-as-is http://127.0.0.1:PORT/sub/../hello.txt"), "Hello from /www.")
end)

tap.test("requests that come together, and in pieces", function()
  local one = "GET /hello.txt HTTP/1.1\r\n" .. HOST .. "\r\n"
  local last = "GET /sub/note.txt HTTP/1.1\r\n" .. HOST .. "Connection: close\r\n\r\n"
  local text = raw(port, one:rep(200) .. last)
  tap.equal(statuses(text), ("200 "):rep(201):sub(1, -2))
  tap.equal(select(2, text:gsub("Hello from /www%.\n", "")), 200)
  local pieces = {}
  for byte in (one .. last):gmatch(".") do pieces[#pieces + 1] = byte end
  local connection = network.connect(port)
  for _, byte in ipairs(pieces) do
    connection.send(byte)
    guest:sleep(0.002) -- so that each is a segment of its own
  end
  network.until_true(guest, "the end", function() return connection.ended end)
  tap.equal(statuses(connection.text), "200 200")
  connection.close()
end)

tap.test("slow clients are told so and hold up nobody", function()
  local slow = {}
  for i = 1, 40 do
    slow[i] = network.connect(port)
    slow[i].send("GET / HTTP/1.1\r\nHost:")
    guest:sleep(0.03) -- QEMU's listener takes them one by one, and has a backlog of one
  end
  for _ = 1, 3 do
    guest:sleep(1) -- a slow client's pace
    for i = 1, 40 do slow[i].send(" ") end
    tap.equal(client("curl -s http://127.0.0.1:PORT/health"), "ok\n")
  end
  network.until_true(guest, "40 answers", function()
    for i = 1, 40 do
      if not slow[i].ended then return false end
    end
    return true
  end)
  for i = 1, 40 do
    tap.equal(statuses(slow[i].text), "408")
    slow[i].close()
  end
end)

tap.test("load: wrk, kept connections and new ones", function()
  for _, more in ipairs { "", "-H 'Connection: close'" } do
    local text = client("wrk -t2 -c64 -d3 " .. more .. " http://127.0.0.1:PORT/hello.txt", 60)
    tap.lacks(text, "Non-2xx")
    tap.lacks(text, "Socket errors")
    tap.note("%s", text:match("Requests/sec:[^\n]*"))
    tap.check(tonumber(text:match("(%d+) requests in")) > 100)
  end
end)

tap.test("files of /tmp: times, modes, listings", function()
  guest:must("mkdir /tmp/www /tmp/www/closed /tmp/www/open; cd /tmp/www; echo hidden >secret; "
    .. "chmod 600 secret;"
    .. " echo below >closed/below; chmod 700 closed; echo x >'<b>&\"q?#%'; echo 1 >open/a")
  serve("tmp", "httpd -p 8081 -r /tmp/www -v")
  local text = client("curl -si http://127.0.0.1:SECOND/open/a")
  local modified = text:match("Last%-Modified: ([^\r]*)")
  tap.check(modified, text)
  local function since(date)
    return client(("curl -si -H 'If-Modified-Since: %s' http://127.0.0.1:SECOND/open/a"):format(date))
  end
  tap.contains(since(modified), "HTTP/1.1 304")
  tap.contains(since("Sun, 06 Nov 1994 08:49:37 GMT"), "HTTP/1.1 200")
  for _, path in ipairs { "secret", "closed/below", "closed/" } do
    tap.contains(client("curl -si http://127.0.0.1:SECOND/" .. path), "HTTP/1.1 403", path)
  end
  local list = client("curl -s http://127.0.0.1:SECOND/")
  tap.contains(list, '<a href="./%3Cb%3E%26%22q%3F%23%25">&lt;b&gt;&amp;&quot;q?#%</a>')
  tap.contains(list, '<a href="./open/">open/</a>')
  tap.equal(client("curl -s 'http://127.0.0.1:SECOND/%3Cb%3E%26%22q%3F%23%25'"), "x\n")
  guest:must("echo longer >/tmp/www/open/a")
  network.until_true(guest, "the new content", function()
    return client("curl -s http://127.0.0.1:SECOND/open/a") == "longer\n"
  end)
  guest:must("echo '<p>own' >/tmp/www/index.html")
  tap.equal(client("curl -s http://127.0.0.1:SECOND/"), "<p>own\n")
  network.await_line(guest, "tmp", "httpd: 200 /open/a GET 2 bytes to 10.0.2.2 port ")
end)

local SIZE = 24 << 20

tap.test("a large file, also while nicd is killed again and again", function()
  guest:must(("seq 1 4000000 | head -c %d >/tmp/www/large"):format(SIZE), 0, 120)
  local sum = guest:must("sha256sum </tmp/www/large"):match("%x+")
  local function download()
    return client("timeout 110 curl -s http://127.0.0.1:SECOND/large | sha256sum", 120):match("%x+")
  end
  tap.equal(download(), sum)
  local path = disk.blank(0)
  local started = network.start(("timeout 170 curl -s --limit-rate 6M http://127.0.0.1:%d/large >%s")
    :format(second, path))
  for i = 1, 5 do
    network.until_true(guest, "more of the download", function()
      return #disk.read(path) > i * SIZE // 8 or started.status
    end, 90)
    tap.equal(started.status, nil, "the download ended before kill " .. i)
    guest:must("svc kill " .. (i % 2 == 0 and "netd" or "nicd"))
  end
  network.until_true(guest, "the download", function() return started.status end, 120)
  tap.equal(client("sha256sum <" .. path):match("%x+"), sum)
end)

tap.test("a client that never reads holds up nobody", function()
  local stuck = {}
  for i = 1, 8 do -- one after the other: QEMU's forward queues few
    local connected
    stuck[i] = uv.new_tcp()
    stuck[i]:connect("127.0.0.1", second, function(problem) connected = problem or "connected" end)
    network.until_true(guest, "a connection", function() return connected end)
    tap.equal(connected, "connected")
    stuck[i]:write("GET /large HTTP/1.0\r\n\r\n")
  end
  for _ = 1, 5 do tap.equal(client("curl -s http://127.0.0.1:SECOND/open/a"), "longer\n") end
  for i = 1, 8 do stuck[i]:close() end
  stop("tmp")
end)

tap.test("a large file of the image", function()
  serve("image", "httpd -p 8081 -r /")
  local sum = guest:must("sha256sum </bench/big"):match("%x+")
  tap.equal(client("curl -s http://127.0.0.1:SECOND/bench/big | sha256sum"):match("%x+"), sum)
  tap.contains(client("curl -si http://127.0.0.1:SECOND/etc/swos/passwd"), "HTTP/1.1 403")
  stop("image")
end)

tap.test("a full house lets the idle one go, and waits while none is", function()
  serve("few", "httpd -p 8081 -r /www -c 4")
  local held = {}
  for i = 1, 4 do
    held[i] = network.connect(second)
    held[i].send("GET /hello.txt HTTP/1.1\r\n" .. HOST .. "\r\n")
    network.until_true(guest, "an answer", function() return held[i].text:find("Hello", 1, true) end)
  end
  tap.equal(client("curl -s http://127.0.0.1:SECOND/hello.txt"), "Hello from /www.\n")
  network.until_true(guest, "the end of the first", function() return held[1].ended end)
  tap.check(not held[4].ended)
  for i = 1, 4 do held[i].close() end
  -- four that are not idle: the fifth is served when one of them is refused as too slow
  for i = 1, 4 do
    held[i] = network.connect(second)
    held[i].send("GET /hello.txt HTTP/1.1\r\n")
  end
  tap.equal(client("curl -s http://127.0.0.1:SECOND/hello.txt"), "Hello from /www.\n")
  for i = 1, 4 do held[i].close() end
  stop("few")
end)

tap.test("a house full of clients that do not read lets others in, and the machine itself", function()
  serve("slow", "httpd -p 8081 -r / -c 8")
  -- The limit is less than the 60 s after which a client that takes nothing is closed anyway.
  local function fill()
    local stuck = {}
    for i = 1, 8 do
      local connected
      stuck[i] = uv.new_tcp()
      stuck[i]:connect("127.0.0.1", second, function(problem) connected = problem or "connected" end)
      network.until_true(guest, "a connection", function() return connected end)
      stuck[i]:write("GET /bench/big HTTP/1.1\r\n" .. HOST .. "\r\n")
    end
    return stuck
  end
  local stuck = fill()
  tap.equal(client("curl -s --max-time 45 http://127.0.0.1:SECOND/health"), "ok\n")
  for i = 1, 8 do stuck[i]:close() end
  stuck = fill()
  tap.equal(guest:must("timeout 45 fetch -q -o - http://127.0.0.1:8081/health"), "ok")
  for i = 1, 8 do stuck[i]:close() end
  tap.contains(guest:must("cat /tmp/slow"), "a client that takes too little gives its place to another")
  stop("slow")
end)

tap.test("a port that is taken, wrong command lines", function()
  tap.contains(guest:run("httpd"), "httpd: listen: address in use")
  tap.contains(guest:run("httpd -p 70000"), "httpd: not a number in range: 70000\nusage: httpd")
  tap.contains(guest:run("httpd -r /nope -p 8081"), "httpd: /nope: not found")
  tap.contains(guest:run("httpd --what"), "httpd: unknown option --what")
end)

-- What the service answers, once it does.
local function comes_back()
  return network.until_true(guest, "the service", function()
    return client("curl -s --max-time 5 http://127.0.0.1:PORT/health") == "ok\n"
  end)
end

-- A service that runs once with this folder among its paths, and arguments without spaces: status and log.
local function once(folder, program, ...)
  local text = ('return { program = "/bin/%s", arguments = { "%s" }, oneshot = true, folders = { "%s" }, '
    .. 'capabilities = { "fs-read" } }'):format(program, table.concat({ ... }, '", "'), folder)
  guest:must(("echo '%s' >/tmp/services/once.lua; svc reload"):format(text), 0, 60)
  local _, status = guest:run("svc start once", 60)
  return status, guest:must("svc logs once")
end

tap.test("a service with folders sees what lies below them", function()
  guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
  local status, text = once("/www/sub", "cat", "/www/sub/note.txt")
  tap.equal(status, 0)
  tap.contains(text, "A file in a folder without index.html.")
  for _, path in ipairs { "/www/hello.txt", "/www/sub/../hello.txt", "/etc/motd" } do
    status, text = once("/www/sub", "cat", path)
    tap.check(status ~= 0, path)
    tap.contains(text, path .. ": not found", path)
  end
  -- a file of several extents
  local sum = guest:must("sha256sum </bench/big"):match("%x+")
  status, text = once("/bench", "sha256sum", "/bench/big")
  tap.equal(status, 0)
  tap.contains(text, sum)
  -- asked for by its id
  local id = guest:must("lua -e 'print(require([[swos.protocol]]).file.stat(require([[swos]]).paths()[1][2],"
    .. " { path = [[bench/big]] }).attributes.id)'"):match("%d+")
  local extent = "print(require([[swos.protocol]]).file.extent(require([[swos]]).paths()[1][2],"
    .. "{id=%s,index=0}))"
  status, text = once("/www", "lua", "-e", extent:format(id))
  tap.equal(status, 0)
  tap.contains(text, "nil\tpermission denied")
  tap.contains(select(2, once("/bench", "lua", "-e", extent:format(id))), "table: ")
  status = once("/nope", "true", "x")
  tap.check(status ~= 0)
  tap.contains(guest:must("svc status once"), "/nope")
  guest:must("rm -r /tmp/services; svc reload", 0, 60)
end)

tap.test("killed, crashed, hung: it comes back; so it does when netd died", function()
  for _, how in ipairs { "", " crash" } do
    guest:must("svc kill httpd" .. how)
    comes_back()
  end
  guest:must("svc kill netd")
  comes_back()
  guest:must("svc kill httpd")
  comes_back()
end)

tap.test("hung, it is found by its probe and comes back", function()
  guest:must("mkdir -p /tmp/services; chmod 755 /tmp/services; sed 's/seconds = 10, timeout = 30, "
    .. "failures = 6/seconds = 1, timeout = 5, failures = 2/' /etc/swos/services/httpd.lua "
    .. ">/tmp/services/httpd.lua")
  guest:must("svc reload; svc restart httpd", 0, 60)
  local function told() return select(2, log():gsub("httpd: 200 /health\n", "")) end
  local lines = told()
  local function answered()
    guest:await("its probe is answered", function()
      return guest:must("svc status httpd"):find("probe +http://localhost:8080/health: answered")
    end)
  end
  answered()
  tap.equal(told(), lines, "lines of the log about /health")
  for _, how in ipairs { "hang", "freeze" } do
    local before = guest:must("svc status httpd"):match("pid (%d+)")
    answered()
    guest:must("svc kill httpd " .. how)
    guest:await("another httpd", function()
      local pid = guest:must("svc status httpd"):match("ready.-pid (%d+)")
      return pid and pid ~= before
    end, 120)
    tap.contains(guest:must("svc why httpd"), "its probe failed (2 of 2): http://localhost:8080/health")
    comes_back()
  end
  guest:must("rm -r /tmp/services; svc reload; svc restart httpd", 0, 60)
end)

tap.test("no pages, handles or objects are lost", function()
  guest:leak_check(function()
    client("for i in 1 2 3 4 5 6 7 8; do curl -s http://127.0.0.1:PORT/sub/; done")
    raw(port, "nonsense\r\n\r\n")
    network.until_true(guest, "the end of all connections", function()
      return not guest:must("ss -t"):find("8080", 1, true)
    end)
  end, 3, 5)
end)

tap.test("user and guest are refused", function()
  for who, needs in pairs { user = "capability net", guest = "" } do
    guest:line("exit")
    guest:login(who, who == "user" and "swordfish" or "guest")
    tap.contains(guest:run("httpd -p 8081"), "httpd: ", who)
    tap.contains(guest:run("httpd -p 8081"), "permission denied", who)
    tap.contains(guest:run("httpd -p 8081"), needs, who)
  end
end)

tap.test("without a network it says so, and is not started again and again", function()
  guest:close()
  local alone <close> = Guest.start({ cpus = 1 })
  alone:login("root", "swordfish")
  tap.contains(alone:run("httpd"), "httpd: there is no network on this machine")
  alone:run("svc start httpd", 60)
  tap.contains(alone:must("svc status httpd"), "failed")
  tap.contains(alone:must("svc reload", 0, 60), "nothing has changed")
end)

tap.done()
