-- Reads cases.txt: { setup = text, list = { { command = line, utf8 = true or nil } } }.
local cases, section = { setup = "", list = {} }, nil
for line in io.lines("tests/commands/cases.txt") do
  local title = line:match("^== (%w+)$")
  if title then
    section = title
  elseif section == "setup" then
    cases.setup = cases.setup .. line .. "\n"
  elseif section and line:sub(1, 1) == "\t" then -- the line before goes on
    local last = cases.list[#cases.list]
    last.command = last.command .. "\n" .. line:sub(2)
  elseif section and line ~= "" then
    cases.list[#cases.list + 1] = { command = line, utf8 = section == "utf8" or nil }
  end
end
return cases
