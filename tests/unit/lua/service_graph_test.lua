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

tap.done()
