-- What services need of each other: definitions that cannot work are found, the others are not
-- touched. Pure.
--
--   graph.check(definitions, rank) -> problems: name -> { path, text }
--   graph.settle(wanted, in_force, rank) -> the same, of what was taken out of `wanted`
--   graph.states(definitions, state_of) -> state_of with "stopped" for who waits for what is gone
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

local CYCLE_MOST = 16  -- members a message names

local function cycle_text(cycle)
  if #cycle <= CYCLE_MOST + 1 then return "a cycle: " .. table.concat(cycle, " -> ") end
  return ("a cycle of %d: %s -> ... -> %s"):format(#cycle - 1,
    table.concat(cycle, " -> ", 1, CYCLE_MOST), cycle[#cycle])
end

-- Cycles among requires and after: name -> { path, text } for each member. Tarjan's algorithm would
-- name components; people want to read one cycle, so a walk that remembers its way does.
local function find_cycles(definitions, problems)
  local visited = {}
  local function walk(name, way, at)
    if at[name] then
      local cycle = table.move(way, at[name], #way, 1, {})
      cycle[#cycle + 1] = name
      local text = cycle_text(cycle)
      for i = 1, #cycle - 1 do
        for _, edge in ipairs(problems[cycle[i]] and {} or edges(definitions[cycle[i]])) do
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

-- Two may not serve one name: of those who would, the one of the lowest rank does.
local function find_servers(definitions, rank, problems)
  local names, server = sorted_names(definitions), {}
  if rank then
    table.sort(names, function(a, b)
      local first, second = rank[a] or math.huge, rank[b] or math.huge
      if first ~= second then return first < second end
      return a < b
    end)
  end
  for _, name in ipairs(names) do
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
end

-- Who requires what is not there or refused is refused: each once, by the first such that is found.
local function find_unfounded(definitions, problems)
  local refused, users = {}, {}
  local names = sorted_names(definitions)
  for _, name in ipairs(names) do
    if problems[name] then refused[#refused + 1] = name end
    for i, other in ipairs(definitions[name].requires or {}) do
      if not definitions[other] and not problems[name] then
        problems[name] = { path = ("requires[%d]"):format(i), text = ("no service %s"):format(other) }
        refused[#refused + 1] = name
      end
      users[other] = users[other] or {}
      table.insert(users[other], { name, i })
    end
  end
  local at = 1
  while refused[at] do
    local other = refused[at]
    at = at + 1
    for _, user in ipairs(users[other] or {}) do
      local name, i = user[1], user[2]
      if not problems[name] then
        problems[name] = { path = ("requires[%d]"):format(i), text = ("%s is refused"):format(other),
          root = problems[other].root or other }
        refused[#refused + 1] = name
      end
    end
  end
end

-- What is wrong with the definitions as a whole, by service. Who requires one that is refused is
-- refused too; `after` and `wants` may name what is not there. rank: name -> number, the lowest is the
-- first to have a name it `serves`; those without one come last, and of the same rank the alphabet decides.
-- A problem's `root` is the service whose own problem it follows from.
function M.check(definitions, rank)
  local problems = {}
  find_cycles(definitions, problems)
  find_servers(definitions, rank, problems)
  find_unfounded(definitions, problems)
  return problems
end

-- Takes out of `wanted` what cannot work and puts the definition in force in its place, until all that is
-- left can: what is new gives way before what is in force does, whose names nobody takes by being first in
-- the alphabet. A definition that has not changed is the same table in both. rank: of what is new, as for
-- check. Returns what was wrong, by service.
function M.settle(wanted, in_force, rank)
  local ranks, problems = {}, {}
  for name, definition in pairs(wanted) do
    local old = in_force[name]
    ranks[name] = old and old.serves == definition.serves and -math.huge or rank and rank[name]
  end
  while true do
    local refused, new = M.check(wanted, ranks), {}
    if not next(refused) then return problems end
    for name, problem in pairs(refused) do
      local root = problem.root or name
      new[name] = wanted[name] ~= in_force[name] and wanted[root] ~= in_force[root] or nil
    end
    local is_new = next(new)
    for name, problem in pairs(refused) do
      local old = in_force[name]
      if not is_new or new[name] then
        problems[name] = problems[name] or problem
        wanted[name] = wanted[name] ~= old and old or nil
        ranks[name] = wanted[name] and -math.huge
      end
    end
  end
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

-- What others see of a service, as state_of for M.settled: one that waits for what is gone runs no more
-- than one that is stopped. Answers are kept: good until a state changes.
function M.states(definitions, state_of)
  local seen = {}
  local function effective(name)
    if not seen[name] then
      local state = state_of(name)
      if state ~= "waiting" then return state end
      seen[name] = state  -- where needs go round
      if definitions[name] and M.settled(name, definitions, effective) == "lost" then
        seen[name] = "stopped"
      end
    end
    return seen[name]
  end
  return effective
end

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
