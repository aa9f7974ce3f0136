-- luacheck for everything in Lua. Modules return a table; nothing is global.
std = "lua54"
max_line_length = 110
exclude_files = { "build/" }
-- One row of a table, one line of what is generated: one line.
files["runtime/abi/"] = { max_line_length = false }
