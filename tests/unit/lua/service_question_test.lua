-- Ports and HTTP paths that are asked: what is sent, and which answers count, whole and in pieces.

package.path = "tests/lib/?.lua;lua/?.lua;" .. package.path
local tap = require("tap")
local question = require("swos.service.question")

tap.test("in words, and what is sent", function()
  tap.equal(question.words({ port = 80 }), "port 80")
  tap.equal(question.words({ port = 8080, http = "/health" }), "http://localhost:8080/health")
  tap.equal(question.request({ port = 80 }), nil)
  tap.equal(question.request({ port = 80, http = "/a?b=c" }),
    "GET /a?b=c HTTP/1.0\r\nHost: localhost:80\r\nUser-Agent: init\r\n\r\n")
end)

local NOT_HTTP = "what it answers is not HTTP"
local ANSWERS = {
  { "HTTP/1.1 200 OK\r\n", true }, { "HTTP/1.0 200\n", true }, { "HTTP/1.0 200\r\n", true },
  { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true },
  { "HTTP/1.1 503 Service Unavailable\r\n", false, "it answers 503" },
  { "HTTP/1.1 204 No Content\r\n", false, "it answers 204" },
  { "HTTP/1.1 404\r\n", false, "it answers 404" }, { "HTTP/1.1 301 Moved\n", false, "it answers 301" },
  { "HTTP/1.1 2000\r\n", false, NOT_HTTP }, { "HTTP/2 200\r\n", false, NOT_HTTP },
  { " HTTP/1.1 200 OK\r\n", false, NOT_HTTP }, { "\n", false, NOT_HTTP }, { "\0\n", false, NOT_HTTP },
  { "220 smtp.example ESMTP\r\n", false, NOT_HTTP }, { "HTTP/1.1 OK 200\r\n", false, NOT_HTTP },
}

tap.test("a status line counts once it is whole, in whatever pieces it comes", function()
  for _, answer in ipairs(ANSWERS) do
    local text = answer[1]
    local first = text:find("\n", 1, true)
    for length = 0, #text do
      local verdict, why = question.judge(text:sub(1, length), false)
      local wanted, reason
      if length >= first then wanted, reason = answer[2], answer[3] end
      tap.equal(verdict, wanted, ("%q, %d bytes"):format(text, length))
      tap.equal(why, reason, text)
    end
  end
end)

tap.test("an answer that ends early, or does not come to an end of its line", function()
  tap.equal(select(2, question.judge("", true)), "it ended without an answer")
  for length = 1, 15 do
    local verdict, why = question.judge(("HTTP/1.1 200 OK"):sub(1, length), true)
    tap.equal(verdict, false)
    tap.equal(why, NOT_HTTP)
  end
  local long = "HTTP/1.1 200 " .. ("x"):rep(question.STATUS_MOST)
  tap.equal(question.judge(long:sub(1, question.STATUS_MOST - 1), false), nil)
  tap.equal(question.judge(long:sub(1, question.STATUS_MOST), false), false)
end)

tap.done()
