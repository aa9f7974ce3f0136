-- fetch: files from a real server (nginx), and what a hostile one of the test's own may do to it: endless
-- heads, wrong lengths, lies about chunks, redirections without end, connections that break off, a file that
-- changes between two tries.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local function shell(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("%s+$", ""))
end

-- ---- nginx, as its user would run it

local folder = shell("mktemp -d /tmp/fetch.XXXXXX")
tap.on_done(function() os.execute("rm -rf " .. folder) end)
local nginx_port = network.free_port("tcp")
assert(os.execute(("mkdir %s/www && head -c 3000000 /dev/urandom >%s/www/big && echo hello >%s/www/small && "
  .. ": >%s/www/empty"):format(folder, folder, folder, folder)))
local conf <close> = assert(io.open(folder .. "/conf", "w"))
conf:write(([[
daemon off; pid %s/pid; error_log /dev/null; worker_processes 1;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3;
  uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;
  server { listen 127.0.0.1:%d; root %s/www;
    location /old { return 301 /small; }
    location /slow { alias %s/www/; limit_rate 200k; } } }
]]):format(folder, folder, folder, folder, folder, folder, nginx_port, folder, folder))
conf:close()
assert(os.execute("chmod -R a+rX " .. folder))
network.start(("exec /usr/sbin/nginx -p %s -c %s/conf 2>&1"):format(folder, folder))
local big_sum = shell(("sha256sum <%s/www/big"):format(folder)):match("%x+")

local function sum_of(text)
  local path = folder .. "/sum"
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return shell("sha256sum <" .. path):match("%x+")
end

-- ---- a server that says what it is told to: each connection gets the next of `replies` (a string, or
-- a function of the connection and the request), and is closed behind it

local liar, replies, requests = uv.new_tcp(), {}, {}

-- Sends the last bytes of a connection.
local function finish(client, bytes)
  client:write(bytes, function()
    client:shutdown(function()
      if not client:is_closing() then client:close() end
    end)
  end)
end

assert(liar:bind("127.0.0.1", 0))
local liar_port = liar:getsockname().port
liar:listen(16, function()
  local client = uv.new_tcp()
  liar:accept(client)
  local request = ""
  client:read_start(function(problem, data)
    if problem or not data then
      if not client:is_closing() then client:close() end
      return
    end
    local answered = request:find("\r\n\r\n", 1, true)
    request = request .. data
    if answered or not request:find("\r\n\r\n", 1, true) then return end
    requests[#requests + 1] = request
    local reply = #replies > 1 and table.remove(replies, 1) or replies[1]
    if type(reply) == "function" then return reply(client, request) end
    finish(client, reply)
  end)
end)

local function set(...) replies, requests = { ... }, {} end

local guest = Guest.start({ more = network.card() })
local LIAR = ("http://10.0.2.2:%d"):format(liar_port)
local NGINX = ("http://10.0.2.2:%d"):format(nginx_port)

local function fetch(words, wanted, timeout)
  local text, status = guest:run("fetch " .. words, timeout or 120)
  tap.equal(status, wanted or 0, "fetch " .. words .. ": " .. text)
  return text
end

tap.test("files of a real server", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  guest:must("mkdir /tmp/f && cd /tmp/f")
  fetch(NGINX .. "/small")
  tap.equal(guest:must("cat small"), "hello")
  tap.equal(fetch("-q -o - " .. NGINX .. "/small"), "hello")
  fetch("-q " .. NGINX .. "/empty")
  tap.equal(guest:must("wc -c <empty"):match("%d+"), "0")
  fetch(("-q --sha256=%s -o b %s/big"):format(big_sum, NGINX))
  tap.equal(guest:must("sha256sum b"):match("%x+"), big_sum)
  fetch("-q -o moved " .. NGINX .. "/old")
  tap.equal(guest:must("cat moved"), "hello")
  tap.equal(guest:must("ls *.part* 2>/dev/null | wc -l"):match("%d+"), "0")
end)

tap.test("a bar on a terminal, none without and with -q", function()
  local text = fetch("-o b " .. NGINX .. "/big")
  tap.contains(text, "100% [========================]")
  tap.contains(text, "2.8 MiB")
  guest:must(("fetch -o b %s/big 2>said; cat said | wc -c"):format(NGINX))
  tap.equal(guest:must("cat said"), "")
  tap.equal(fetch("-q -o b " .. NGINX .. "/big"), "")
  tap.equal(fetch("-o - " .. NGINX .. "/small"), "hello", "what is printed stands alone")
end)

tap.test("a wrong checksum keeps nothing, and leaves what was there", function()
  guest:must("echo before >s")
  local text = fetch(("-o s --sha256 %s %s/small"):format(("0"):rep(64), NGINX), 1)
  tap.contains(text, NGINX .. "/small: its SHA-256 is " .. sum_of("hello\n") .. ", not 0000")
  tap.equal(guest:must("cat s"), "before")
  tap.equal(guest:must("ls *.part* 2>/dev/null | wc -l"):match("%d+"), "0")
end)

tap.test("what cannot be had is told with what and where", function()
  tap.contains(fetch(NGINX .. "/nothing", 1), NGINX .. "/nothing: the server says 404")
  tap.contains(fetch(("http://10.0.2.2:%d/x"):format(network.free_port("tcp")), 1), "refused")
  tap.contains(fetch("http://no.such.name.test/x", 1), "http://no.such.name.test/x: no.such.name.test: ")
  tap.contains(fetch("https://a/x", 2), "https is not there yet")
  tap.contains(fetch(NGINX .. "/", 2), "-o FILE says one")
  tap.contains(fetch("-o /no/where " .. NGINX .. "/small", 1), "fetch: /no/where.part: ")
end)

local OK = "HTTP/1.1 200 OK\r\n"

tap.test("answers that make no sense", function()
  for _, case in ipairs({
    { "", "ended the connection without an answer" },
    { "SSH-2.0-OpenSSH\r\n", "an answer that is not HTTP" },
    { OK, "ended the connection without an answer" },
    { OK .. ("X: y\r\n"):rep(200), "more than 100 lines in its head" },
    { OK .. "X: " .. ("y"):rep(20000), "a head of more than 16384 bytes" },
    { OK .. "Content-Length: 5x\r\n\r\nhello", "a Content-Length that is no number" },
    { OK .. "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "two different Content-Lengths" },
    { OK .. "Content-Length: 99\r\n\r\nhello", "the connection ended before all was there, 5 bytes are" },
    { OK .. "Transfer-Encoding: gzip\r\n\r\nhello", "a Transfer-Encoding other than chunked" },
    { OK .. "Content-Encoding: gzip\r\n\r\nhello", "a Content-Encoding that was not asked for" },
    { OK .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello", "ended before all was there" },
    { OK .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld", "a chunk that is longer than it says" },
    { OK .. "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
      "a chunk of a size that makes no sense" },
    { OK .. "Transfer-Encoding: chunked\r\n\r\n0\r\n" .. ("X: y\r\n"):rep(2000), "too long a trailer" },
    { "HTTP/1.1 302 x\r\n\r\n", "the server says 302 and not where to" },
    { "HTTP/1.1 302 x\r\nLocation: /again\r\n\r\n", "more than 10 redirections" },
    { "HTTP/1.1 302 x\r\nLocation: https://a/\r\n\r\n", "redirected to https://a/: https is not there yet" },
    { "HTTP/1.1 206 x\r\nContent-Range: bytes 0-4/5\r\n\r\nhello", "another part than the one asked for" },
    { ("HTTP/1.1 100 Continue\r\n\r\n"):rep(20), "nothing but interim answers" },
    { "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", "the server says 500" },
  }) do
    set(case[1])
    tap.contains(fetch("-q -o x " .. LIAR .. "/x", 1), case[2])
  end
  tap.equal(guest:must("ls x* 2>/dev/null | wc -l"):match("%d+"), "0")
end)

tap.test("answers that make sense", function()
  set("HTTP/1.1 100 Continue\r\n\r\n" .. OK .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n \r\n"
    .. "5\r\nworld\r\n0\r\nX: y\r\n\r\n")
  tap.equal(fetch("-q -o - " .. LIAR .. "/x"), "hello world")
  set("HTTP/1.0 200 OK\r\n\r\nuntil the end")
  tap.equal(fetch("-q -o - " .. LIAR .. "/x?a=b#c"), "until the end")
  tap.matches(requests[1], "^GET /x%?a=b HTTP/1%.1\r\nHost: 10%.0%.2%.2:%d+\r\n")
  set("HTTP/1.1 302 x\r\nLocation: y/z\r\n\r\n", OK .. "Content-Length: 2\r\n\r\nhi and more")
  tap.equal(fetch("-q -o - " .. LIAR .. "/a/x"), "hi")
  tap.matches(requests[2], "^GET /a/y/z ")
end)

-- A version of a file, sent from where the request says, at most `most` bytes of it. With `part` a 206 has
-- no more bytes than that and says so, with `total` it tells that as the file's size.
local function version(content, tag, most, part, total)
  return function(client, request)
    local from = tonumber(request:match("Range: bytes=(%d+)%-"))
    local condition = request:match("If%-Range: ([^\r]+)")
    local head
    if from and condition == tag and from >= #content then
      return finish(client, ("HTTP/1.1 416 x\r\nContent-Range: bytes */%d\r\n\r\n"):format(#content))
    elseif from and condition == tag then
      local last = math.min(#content, from + (part or #content)) - 1
      head = ("HTTP/1.1 206 x\r\nContent-Range: bytes %d-%d/%s\r\nContent-Length: %d\r\n"):format(from,
        last, total or #content, last - from + 1)
      most = math.min(most or #content, last - from + 1)
    else
      from = 0
      head = ("HTTP/1.1 200 x\r\nContent-Length: %d\r\n"):format(#content)
    end
    local body = content:sub(from + 1, most and from + most or nil)
    finish(client, head .. (tag and "ETag: " .. tag .. "\r\n" or "") .. "\r\n" .. body)
  end
end

local FIRST = ("first version "):rep(4000)
local SECOND = ("second one "):rep(5000)

tap.test("a transfer that breaks off goes on by itself", function()
  set(version(FIRST, '"1"', 20000))
  fetch(("-q -o r --sha256=%s %s/r"):format(sum_of(FIRST), LIAR))
  tap.equal(#requests, 3)
  tap.contains(requests[2], "Range: bytes=20000-\r\nIf-Range: \"1\"\r\n")
  -- the file has changed meanwhile: from the beginning
  set(version(FIRST, '"1"', 20000), version(SECOND, '"2"'))
  fetch(("-q -o r --sha256=%s %s/r"):format(sum_of(SECOND), LIAR))
  -- a server that brings nothing more is left after three tries
  set(version(FIRST, '"1"', 20000), version(FIRST, '"1"', 0))
  tap.contains(fetch("-q -o r2 " .. LIAR .. "/r", 1), "20000 bytes are")
  tap.equal(#requests, 4)
  tap.equal(guest:must("wc -c <r2.part"):match("%d+"), "20000")
end)

tap.test("a server may send less than the rest: what is missing is asked for", function()
  -- 20,000 of 56,000 bytes, then parts of 10,000: no checksum is there to notice a hole or a file cut short
  local function is_first(name)
    tap.equal(guest:must("sha256sum " .. name):match("%x+"), sum_of(FIRST), name .. " is whole")
  end
  set(version(FIRST, '"1"', 20000), version(FIRST, '"1"', nil, 10000))
  fetch("-q -o p " .. LIAR .. "/p")
  is_first("p")
  tap.equal(#requests, 5)
  tap.contains(requests[5], "Range: bytes=50000-")
  -- of unknown size: until the server says that there is no more
  set(version(FIRST, '"1"', 20000), version(FIRST, '"1"', nil, 10000, "*"))
  fetch("-q -o p " .. LIAR .. "/p")
  is_first("p")
  tap.equal(#requests, 6)
  tap.contains(requests[6], "Range: bytes=56000-")
  -- the body's framing and the range differ: too few bytes are not the whole part, too many are none at all
  local function chunked(size)
    return "HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Range: bytes 20000-55999/56000\r\n"
      .. ("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"):format(size,
        (FIRST .. FIRST):sub(20001, 20000 + size))
  end
  set(version(FIRST, '"1"', 20000), chunked(10000), version(FIRST, '"1"'))
  fetch("-q -o p " .. LIAR .. "/p")
  is_first("p")
  tap.contains(requests[3], "Range: bytes=30000-")
  set(version(FIRST, '"1"', 20000), chunked(36001))
  tap.contains(fetch("-q -o long " .. LIAR .. "/p", 1), "more than the part it told of")
  tap.equal(guest:must("ls long* 2>/dev/null | wc -l"):match("%d+"), "0")
end)

tap.test("-c goes on with what an earlier fetch has left", function()
  set(version(FIRST, '"1"'))
  fetch(("-q -c -o r2 --sha256=%s %s/r"):format(sum_of(FIRST), LIAR))
  tap.contains(requests[1], "Range: bytes=20000-")
  tap.equal(guest:must("ls r2.part* 2>/dev/null | wc -l"):match("%d+"), "0")
  -- of another address, or without -c: from the beginning
  set(version(FIRST, '"1"', 20000), version(FIRST, '"1"', 0))
  fetch("-q -o r2 " .. LIAR .. "/r", 1)
  set(version(FIRST, '"1"'))
  fetch(("-q -c -o r2 --sha256=%s %s/other"):format(sum_of(FIRST), LIAR))
  tap.lacks(requests[1], "Range:")
  -- a version that has changed: from the beginning
  set(version(FIRST, '"1"', 20000), version(FIRST, '"1"', 0))
  fetch("-q -o r2 " .. LIAR .. "/r", 1)
  set(version(SECOND, '"2"'))
  fetch(("-q -c -o r2 --sha256=%s %s/r"):format(sum_of(SECOND), LIAR))
  tap.contains(requests[1], "Range: bytes=20000-")
  -- a server that answers with another part than the one asked for
  set(version(FIRST, '"1"', 20000), version(FIRST, '"1"', 0))
  fetch("-q -o r2 " .. LIAR .. "/r", 1)
  set("HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Range: bytes 10000-55999/56000\r\n\r\nlies")
  tap.contains(fetch("-q -c -o r2 " .. LIAR .. "/r", 1), "another part than the one asked for")
  set("HTTP/1.1 206 x\r\nETag: \"9\"\r\nContent-Range: bytes 20000-55999/56000\r\n\r\nlies")
  tap.contains(fetch("-q -c -o r2 " .. LIAR .. "/r", 1), "another part than the one asked for")
  -- what a validator cannot vouch for is not gone on with
  guest:must("rm r2.part*")
  set(version(FIRST, nil, 20000))
  tap.contains(fetch("-q -o r2 " .. LIAR .. "/r", 1), "20000 bytes are")
  tap.equal(#requests, 1)
  tap.equal(guest:must("ls r2.part* 2>/dev/null | wc -l"):match("%d+"), "0")
end)

tap.test("Ctrl-C leaves what -c goes on with", function()
  guest:line(("fetch -o i %s/slow/big"):format(NGINX))
  guest:expect("KiB", 60)
  guest:sleep(1) -- so that something has come
  guest:send("\3")
  guest:prompt(60)
  guest:must("ls i.part i.part.from")
  fetch(("-q -c -o i --sha256=%s %s/slow/big"):format(big_sum, NGINX))
end)

tap.test("without the capability, and without a name server's answer", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  tap.contains(fetch("-o /tmp/z http://10.0.2.2/x", 1), "permission denied (needs capability net)")
  guest:line("exit")
  guest:login("root", "swordfish")
  guest:must("cd /tmp/f")
end)

tap.test("what somebody else has left under the name is neither believed nor written into", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  guest:must(("echo lies >/tmp/o.part; echo '%s/o' >/tmp/o.part.from; echo '\"1\"' >>/tmp/o.part.from")
    :format(LIAR))
  guest:line("exit")
  guest:login("root", "swordfish")
  guest:must("cd /tmp/f")
  set(version(FIRST, '"1"'))
  local foreign = fetch("-q -c -o /tmp/o " .. LIAR .. "/o", 1)
  tap.contains(foreign, "fetch: /tmp/o.part.from: belongs to somebody else")
  guest:must("rm /tmp/o.part.from")
  guest:must(("echo '%s/o' >/tmp/o.part.from; echo '\"1\"' >>/tmp/o.part.from"):format(LIAR))
  tap.contains(fetch("-q -c -o /tmp/o " .. LIAR .. "/o", 1), "fetch: /tmp/o.part: belongs to somebody else")
  tap.equal(#requests, 0)
  tap.equal(guest:must("cat /tmp/o.part"), "lies")
  guest:must("exec 3</tmp/o.part") -- the other's file stays as it is
  fetch("-q -o /tmp/o " .. LIAR .. "/o")
  tap.equal(guest:must("cat <&3; exec 3<&-"), "lies")
  tap.equal(guest:must("sha256sum /tmp/o"):match("%x+"), sum_of(FIRST))
  tap.matches(guest:must("ls -l /tmp/o"), "root")
  -- a part that cannot be taken away is told of
  guest:must("echo mine >/tmp/u.part")
  guest:line("exit")
  guest:login("user", "swordfish")
  tap.contains(fetch("-o /tmp/u http://10.0.2.2/x", 1), "fetch: /tmp/u.part: permission denied")
  guest:line("exit")
  guest:login("root", "swordfish")
  guest:must("rm /tmp/o /tmp/u.part; cd /tmp/f")
end)

guest:finish(function()
  set(version(FIRST, '"1"', 20000))
  fetch("-q -o l " .. LIAR .. "/r")
  guest:run("fetch -q -o l " .. NGINX .. "/nothing")
  guest:must("rm -f l")
end)
tap.done()
