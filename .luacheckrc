-- luacheck for everything in Lua. Modules return a table; nothing is global.
std = "lua54"
max_line_length = 110
exclude_files = { "build/" }
