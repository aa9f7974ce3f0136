-- Whether a port of a service answers, or an HTTP path on it: what is sent, and what counts as an answer.
-- Pure; scripts/guest/init/probes.lua asks. A question is `ready` or `probe` of a definition: { port, http }.
local M = {}

M.STATUS_MOST = 256  -- bytes of an answer that are looked at

-- The question as people read it.
function M.words(question)
  return question.http and ("http://localhost:%d%s"):format(question.port, question.http)
    or ("port %d"):format(question.port)
end

-- What is sent once the port accepts; nil: nothing, that was the answer.
function M.request(question)
  return question.http and ("GET %s HTTP/1.0\r\nHost: localhost:%d\r\nUser-Agent: init\r\n\r\n")
    :format(question.http, question.port)
end

-- Judges the first bytes of an HTTP answer, `is_whole` when no more come. true; false, why; nil: too early
-- to say.
function M.judge(head, is_whole)
  local line = head:match("^([^\n]*)\n")
  if not line then
    if #head < M.STATUS_MOST and not is_whole then return nil end
    return false, head == "" and "it ended without an answer" or "what it answers is not HTTP"
  end
  local status = line:match("^HTTP/1%.%d (%d%d%d)%f[^%d]")
  if not status then return false, "what it answers is not HTTP" end
  if status ~= "200" then return false, "it answers " .. status end
  return true
end

return M
