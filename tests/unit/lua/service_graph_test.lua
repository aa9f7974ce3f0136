-- What services need of each other: refusals name the cycle, the innocent go on.
package.path = "tests/lib/?.lua;lua/?.lua;" .. package.path
local tap = require("tap")
local graph = require("swos.service.graph")

local function names(problems)
  local list = {}
  for name, problem in pairs(problems) do list[#list + 1] = ("%s %s: %s"):format(name, problem.path,
    problem.text) end
  table.sort(list)
  return table.concat(list, "\n")
end

tap.test("a cycle is refused by name, what it does not touch is not", function()
  tap.equal(names(graph.check {
    a = { requires = { "b" } }, b = { after = { "x", "c" } }, c = { requires = { "a" } },
    x = {}, y = { requires = { "x" }, after = { "a" } },
  }), [[
a requires[1]: a cycle: a -> b -> c -> a
b after[2]: a cycle: a -> b -> c -> a
c requires[1]: a cycle: a -> b -> c -> a]])
  tap.equal(names(graph.check { a = { requires = { "a" } } }), "a requires[1]: a cycle: a -> a")
end)

tap.test("of a long cycle the first members are named", function()
  local definitions = {}
  for i = 1, 200 do definitions[("s%03d"):format(i)] = { after = { ("s%03d"):format(i % 200 + 1) } } end
  local text = graph.check(definitions).s100.text
  tap.matches(text, "^a cycle of 200: s001 %-> s002 %-> .* %-> s016 %-> %.%.%. %-> s001$")
end)

tap.test("two ways to one service are no cycle", function()
  tap.equal(names(graph.check {
    a = { requires = { "b", "c" } }, b = { after = { "d" } }, c = { requires = { "b", "d" } }, d = {},
  }), "")
end)

tap.test("wants may go round", function()
  tap.equal(names(graph.check { a = { wants = { "b" } }, b = { wants = { "a" } } }), "")
end)

tap.test("a missing service refuses who requires it, and who requires that one", function()
  tap.equal(names(graph.check {
    a = { requires = { "gone" } }, b = { requires = { "a" } }, c = { after = { "gone" }, wants = { "gone" } },
  }), "a requires[1]: no service gone\nb requires[1]: a is refused")
end)

tap.test("two may not serve one name, nobody init's", function()
  tap.equal(names(graph.check { a = { serves = "auth" }, b = { serves = "auth" }, c = { serves = "names" } }),
    "b serves: auth is served by a already\nc serves: names is init's own")
end)

tap.test("a name is served by whom the rank says, not by the first in the alphabet", function()
  tap.equal(names(graph.check({ a = { serves = "auth" }, b = { serves = "auth" }, c = { serves = "auth" } },
    { b = 2, c = 1 })), "a serves: auth is served by c already\nb serves: auth is served by c already")
end)

tap.test("a long chain of requires is checked without delay", function()
  local definitions = {}
  for i = 1, 1000 do definitions[("s%04d"):format(i)] = { requires = { ("s%04d"):format(i + 1) } } end
  local steps = 0
  debug.sethook(function() steps = steps + 1 end, "", 1000)
  local problems = graph.check(definitions)
  debug.sethook()
  tap.equal(problems.s0001.text, "s0002 is refused")
  tap.equal(problems.s1000.text, "no service s1001")
  tap.check(steps < 1000, "%d thousand instructions", steps)
end)

-- What is left of `wanted` by who wrote it (new, old), and what was refused.
local function settle(wanted, in_force, rank)
  local problems = graph.settle(wanted, in_force, rank)
  local left = {}
  for name, definition in pairs(wanted) do
    left[#left + 1] = name .. (definition == in_force[name] and "" or "*")
  end
  table.sort(left)
  return table.concat(left, " "), names(problems)
end

tap.test("what is in force keeps the name it serves, whatever new ones are called", function()
  local authd, httpd = { serves = "auth" }, { serves = "http" }
  local left, refused = settle({ authd = authd, httpd = httpd, aaa = { serves = "auth" },
    aab = { requires = { "aaa" } } }, { authd = authd, httpd = httpd })
  tap.equal(left, "authd httpd")
  tap.equal(refused, "aaa serves: auth is served by authd already\naab requires[1]: aaa is refused")
  -- also one that is known and did not serve it before, or serves something else
  local known = { serves = "mine" }
  left, refused = settle({ authd = authd, aaa = { serves = "auth" } }, { authd = authd, aaa = known })
  tap.equal(left, "aaa authd")
  tap.equal(refused, "aaa serves: auth is served by authd already")
  -- who gives a name up leaves it to others; who holds it may change otherwise
  left, refused = settle({ zzz = {}, aaa = { serves = "http" } }, { zzz = httpd })
  tap.equal(left .. refused, "aaa* zzz*")
  left = settle({ zzz = { serves = "http", new = true }, aaa = { serves = "http" } }, { zzz = httpd })
  tap.equal(left, "zzz*")
  -- of new ones the rank decides; one that gets its old definition back has its name again
  left = settle({ a = { serves = "x" }, b = { serves = "x" } }, {}, { a = 2, b = 1 })
  tap.equal(left, "b*")
  left = settle({ zzz = { requires = { "gone" } }, aaa = { serves = "http" } }, { zzz = httpd })
  tap.equal(left, "zzz")
end)

tap.test("a new one gives way, not what is in force; that is told when it cannot work any more", function()
  local console = { after = { "x" } }
  local left, refused = settle({ console = console, x = { requires = { "console" } },
    y = { requires = { "console" } } }, { console = console })
  tap.equal(left, "console y*")
  tap.equal(refused, "x requires[1]: a cycle: console -> x -> console")
  local old = { requires = { "gone" } }
  left, refused = settle({ a = old, b = { requires = { "a" } } }, { a = old })
  tap.equal(left, "")
  tap.equal(refused, "a requires[1]: no service gone\nb requires[1]: a is refused")
end)

tap.test("starting brings what is required and wanted, before", function()
  local definitions = { a = { requires = { "b" }, wants = { "c", "none" } }, b = { requires = { "c" } },
    c = {}, d = {} }
  tap.equal(table.concat(graph.start_set(definitions, { "a" }), " "), "c b a")
  tap.equal(table.concat(graph.start_set(definitions, { "d", "c" }), " "), "d c")
end)

local function tree(definitions, order)
  local lines = {}
  for i, at in ipairs(graph.tree(definitions, order)) do
    lines[i] = ("%s%s%s%s"):format((" "):rep(at.depth), at.how and at.how .. " " or "", at.name,
      at.is_above and " ..." or "")
  end
  return table.concat(lines, "\n")
end

tap.test("the tree tells each need once, also when wants go round", function()
  tap.equal(tree({ a = { requires = { "b" }, after = { "c" } }, b = { wants = { "c" } }, c = {}, d = {} },
    { "a", "b", "c", "d" }), "a\n requires b\n  wants c\n after c\nd")
  tap.equal(tree({ a = { wants = { "b" } }, b = { wants = { "a" } }, c = { wants = { "a", "gone" } } },
    { "a", "b", "c" }), "c\n wants a\n  wants b\n   wants a ...\n wants gone")
  tap.equal(tree({ a = { wants = { "b" } }, b = { wants = { "a" } } }, { "a", "b" }),
    "a\n wants b\n  wants a ...")
  local definitions, order = {}, {}
  for i = 1, 64 do -- two ways from each to the next: 2^64 ways through
    order[i] = "s" .. i
    local other = i < 64 and { "s" .. i + 1 } or nil
    definitions["s" .. i] = { requires = other, after = other }
  end
  tap.equal(#graph.tree(definitions, order), 2 * 64 - 1)
end)

tap.test("when a service may run", function()
  local definitions = { a = { requires = { "b" }, after = { "c" } } }
  local function verdict(b, c)
    local result, other = graph.settled("a", definitions, function(name)
      return ({ b = b, c = c })[name]
    end)
    return result .. (other and " " .. other or "")
  end
  tap.equal(verdict("ready", "ready"), "satisfied")
  tap.equal(verdict("done", nil), "satisfied")
  tap.equal(verdict("ready", "failed"), "satisfied")
  tap.equal(verdict("ready", "stopped"), "satisfied")
  tap.equal(verdict("ready", "paused"), "waiting c")
  tap.equal(verdict("ready", "starting"), "waiting c")
  tap.equal(verdict("starting", "ready"), "waiting b")
  tap.equal(verdict("stopping", "ready"), "waiting b")
  tap.equal(verdict("stopped", "ready"), "lost b")
  tap.equal(verdict("failed", "ready"), "lost b")
  tap.equal(verdict(nil, "ready"), "lost b")
end)

tap.test("who waits for what is gone is as good as stopped, for whoever needs it", function()
  local definitions = { y = { requires = { "z" } }, x = { requires = { "y" } }, w = { after = { "y" } },
    v = { requires = { "w" } }, p = { requires = { "q" } }, q = { after = { "p" } } }
  local function verdicts(states)
    local seen, list = graph.states(definitions, function(name) return states[name] end), {}
    for _, name in ipairs { "v", "w", "x", "y" } do
      list[#list + 1] = ("%s %s"):format(name, table.concat({ graph.settled(name, definitions, seen) }, " "))
    end
    return table.concat(list, ", ")
  end
  tap.equal(verdicts { z = "stopped", y = "waiting", x = "ready", w = "waiting", v = "waiting" },
    "v waiting w, w satisfied, x lost y, y lost z")
  tap.equal(verdicts { z = "waiting", y = "waiting", x = "ready", w = "waiting", v = "waiting" },
    "v waiting w, w waiting y, x waiting y, y waiting z")
  tap.equal(verdicts { z = "failed", y = "stopping", x = "ready", w = "waiting", v = "ready" },
    "v waiting w, w satisfied, x waiting y, y lost z")
  local seen = graph.states(definitions, function() return "waiting" end)  -- needs that go round: an end
  tap.equal(seen("p"), "waiting")
end)

tap.done()
