-- Paths as text: lexical, no symbolic links. Pure.
local M = {}

-- The normal form of path seen from directory: "/" or "/a/b".
function M.normalize(directory, path)
  if path:sub(1, 1) ~= "/" then path = directory .. "/" .. path end
  local parts = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return "/" .. table.concat(parts, "/")
end

-- What follows the prefix ("/" or "/a") in an absolute normal path, or nil when it lies elsewhere.
function M.below(path, prefix)
  if prefix == "/" then return path:sub(2) end
  if path == prefix then return "" end
  if path:sub(1, #prefix + 1) == prefix .. "/" then return path:sub(#prefix + 2) end
  return nil
end

-- The entry { prefix, value } of a list whose prefix is the longest above path, and the rest.
function M.locate(list, path)
  local best, best_rest
  for _, entry in ipairs(list) do
    local rest = M.below(path, entry[1])
    if rest and (not best or #entry[1] > #best[1]) then best, best_rest = entry, rest end
  end
  return best, best_rest
end

function M.base_name(path)
  return path:match("([^/]+)/*$") or "/"
end

function M.directory_name(path)
  local directory = path:match("^(.*)/[^/]+/*$")
  if not directory then return "." end
  return directory == "" and "/" or directory
end

return M
