-- All pages of commands (docs/commands), as swos.page reads them.
local page = require("swos.page")

local pages = {}
local list = assert(io.popen("ls docs/commands"))
for name in list:lines() do
  if name ~= "README.md" then
    local file <close> = assert(io.open("docs/commands/" .. name))
    pages[#pages + 1] = assert(page.read(file:read("a")))
  end
end
list:close()

return pages
