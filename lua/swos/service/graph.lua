-- What services need of each other: definitions that cannot work are found, the others are not
-- touched. Pure.
--
--   graph.check(definitions) -> problems: name -> { path, text }
--   graph.start_set(definitions, names) -> the names and all they require and want, in start order
--   graph.settled(name, definitions, state_of) -> "satisfied", or "waiting" and for what, or
--     "lost" and what is missing
--   graph.tree(definitions, names) -> who needs whom, as lines of a tree
local M = {}

local function sorted_names(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local NEEDS = { "requires", "wants", "after" }

-- Everything a service may have to wait for.
local function edges(definition)
  local list = {}
  for _, key in ipairs { "requires", "after" } do
    for i, name in ipairs(definition[key] or {}) do list[#list + 1] = { name, key, i } end
  end
  return list
end

-- Cycles among requires and after: name -> { path, text } for each member. Tarjan's algorithm would
-- name components; people want to read one cycle, so a walk that remembers its way does.
local function find_cycles(definitions, problems)
  local visited = {}
  local function walk(name, way, at)
    if at[name] then
      local cycle = table.move(way, at[name], #way, 1, {})
      cycle[#cycle + 1] = name
      local text = "a cycle: " .. table.concat(cycle, " -> ")
      for i = 1, #cycle - 1 do
        for _, edge in ipairs(edges(definitions[cycle[i]])) do
          if edge[1] == cycle[i + 1] and not problems[cycle[i]] then
            problems[cycle[i]] = { path = ("%s[%d]"):format(edge[2], edge[3]), text = text }
          end
        end
      end
      return
    end
    if visited[name] or not definitions[name] then return end
    visited[name] = true
    way[#way + 1], at[name] = name, #way + 1
    for _, edge in ipairs(edges(definitions[name])) do walk(edge[1], way, at) end
    way[#way], at[name] = nil, nil
  end
  for _, name in ipairs(sorted_names(definitions)) do walk(name, {}, {}) end
end

-- What is wrong with the definitions as a whole, by service. Who requires one that is refused is
-- refused too; `after` and `wants` may name what is not there.
function M.check(definitions)
  local problems = {}
  find_cycles(definitions, problems)
  local server = {}
  for _, name in ipairs(sorted_names(definitions)) do
    local serves = definitions[name].serves
    if serves == "names" or serves == "system" then
      problems[name] = { path = "serves", text = ("%s is init's own"):format(serves) }
    elseif serves and server[serves] then
      local text = ("%s is served by %s already"):format(serves, server[serves])
      problems[name] = { path = "serves", text = text }
    elseif serves then
      server[serves] = name
    end
  end
  local changed = true
  while changed do
    changed = false
    for _, name in ipairs(sorted_names(definitions)) do
      for i, other in ipairs(not problems[name] and definitions[name].requires or {}) do
        local text
        if not definitions[other] then text = ("no service %s"):format(other) end
        if problems[other] then text = ("%s is refused"):format(other) end
        if text then
          problems[name] = { path = ("requires[%d]"):format(i), text = text }
          changed = true
          break
        end
      end
    end
  end
  return problems
end

-- The services to start for `names`: what they require and want comes with them, before them.
function M.start_set(definitions, names)
  local order, seen = {}, {}
  local function add(name)
    if seen[name] or not definitions[name] then return end
    seen[name] = true
    for _, key in ipairs { "requires", "wants" } do
      for _, other in ipairs(definitions[name][key] or {}) do add(other) end
    end
    order[#order + 1] = name
  end
  for _, name in ipairs(names) do add(name) end
  return order
end

local GOOD = { ready = true, done = true }
local GONE = { stopped = true, failed = true }
local COMING = { waiting = true, launching = true, starting = true, paused = true }

-- Whether a service may run, by the states of others (state_of(name): nil when there is none).
function M.settled(name, definitions, state_of)
  local definition = definitions[name]
  local missing
  for _, other in ipairs(definition.requires or {}) do
    local state = state_of(other)
    if not state or GONE[state] then return "lost", other end
    if not GOOD[state] then missing = missing or other end
  end
  for _, other in ipairs(definition.after or {}) do
    if COMING[state_of(other)] then missing = missing or other end
  end
  if missing then return "waiting", missing end
  return "satisfied"
end

-- Who needs whom: a list of { depth, name, how = key of NEEDS, is_above = what it needs stands above }, in
-- the order of `names`. What a service needs is told once: `wants` may go round, and the number of ways
-- through a graph grows with the power of its depth.
function M.tree(definitions, names)
  local list, shown, needed = {}, {}, {}
  local function needs(name)
    local found = {}
    for _, how in ipairs(NEEDS) do
      for _, other in ipairs(definitions[name] and definitions[name][how] or {}) do
        found[#found + 1] = { how, other }
      end
    end
    return found
  end
  local function put(name, depth, how)
    local below = needs(name)
    local is_above = shown[name] and #below > 0
    list[#list + 1] = { depth = depth, name = name, how = how, is_above = is_above }
    shown[name] = true
    for _, edge in ipairs(is_above and {} or below) do put(edge[2], depth + 1, edge[1]) end
  end
  for _, name in ipairs(names) do
    for _, edge in ipairs(needs(name)) do needed[edge[2]] = true end
  end
  for _, name in ipairs(names) do
    if not needed[name] then put(name, 0) end
  end
  for _, name in ipairs(names) do -- those who only want each other
    if not shown[name] then put(name, 0) end
  end
  return list
end

return M
