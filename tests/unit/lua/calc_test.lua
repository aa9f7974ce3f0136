-- calc and kv: lines and what they give.
local tap = require("tap")
local calc = require("swos.calc")
local kv = require("swos.kv")

local function result(line, one)
  local value, message = (one or calc.new()):evaluate(line)
  return value and calc.show(value) or message
end

tap.test("expressions", function()
  for line, wanted in pairs {
    ["1 + 2 * 3"] = "7", ["(1 + 2) * 3"] = "9", ["2 ^ 3 ^ 2"] = "512", ["-2 ^ 2"] = "-4", ["2 ^ -1"] = "0.5",
    ["7 / 2"] = "3.5", ["8 / 2"] = "4", ["7 % 3"] = "1", ["-7 % 3"] = "2", ["0x1f"] = "31", ["1e3"] = "1000",
    [".5 + .25"] = "0.75", ["1-1"] = "0", ["2--2"] = "4", ["+3"] = "3", ["sqrt(16)"] = "4",
    ["max(1, 5, 3)"] = "5",
    ["round(2.5)"] = "3",
    ["2 ^ 62 + (2 ^ 62 - 1)"] = "9223372036854775807", ["2 ^ 63"] = "9.2233720368548e+18",
    ["9223372036854775807 + 1"] = "9.2233720368548e+18", ["3 * 0.1"] = "0.3", ["log(1000)"] = "3",
    ["2 * pi"] = "6.2831853071796",
    ["0 - 9223372036854775807 * 3"] = "-2.7670116110564e+19", ["sqrt(-1)"] = "not a number",
  } do
    tap.equal(result(line), wanted, line)
  end
end)

tap.test("mistakes", function()
  for line, wanted in pairs {
    ["1 +"] = "something is missing at the end", ["1 / 0"] = "division by zero",
    ["1 % 0"] = "division by zero",
    ["(1"] = ") expected", ["1 2"] = "2 is out of place", ["x"] = "x: no such variable",
    ["$"] = "$: not understood",
    ["pi = 3"] = "pi: not a variable", ["sin()"] = "sin: wrong number of values",
    [")"] = ") is out of place",
    ["sin(1, 2)"] = "sin: wrong number of values", ["sin 1"] = "( expected before 1",
    ["1 = 2"] = "= is out of place",
    ["ä"] = "ä: not understood", ["os.exit()"] = ".: not understood", [("("):rep(200)] = "too many levels",
    [("-"):rep(200) .. "1"] = "too many levels", [("x="):rep(200) .. "1"] = "too many levels",
  } do
    tap.equal(result(line), wanted, line)
  end
  tap.equal(calc.new():evaluate("   "), nil)
end)

tap.test("variables, the last result, the sum", function()
  local one = calc.new()
  tap.equal(result("a = b = 4", one), "4")
  tap.equal(result("a * b", one), "16")
  tap.equal(result("ans + 1", one), "17")
  tap.equal(table.concat(one:names(), " "), "a ans b")
  tap.equal(calc.show(one.sum), "37")
  result("1 / 0", one)
  tap.equal(calc.show(one.sum), "37", "a mistake changes nothing")
end)

tap.test("random lines give a value or a message", function()
  local pieces = { "1", "2.5", "x", "(", ")", "+", "-", "*", "/", "%", "^", "=", ",", "sin", "max", " ", "$",
    "pi" }
  for seed = 1, 3000 do
    math.randomseed(seed)
    local line = ""
    for _ = 1, math.random(12) do line = line .. pieces[math.random(#pieces)] end
    local one = calc.new()
    local ok, value, message = pcall(one.evaluate, one, line)
    tap.check(ok and (value or message or not line:find("%S")), "seed %d: %q: %s", seed, line,
      tostring(value))
  end
end)

tap.test("a store", function()
  local store = kv.new(300)
  for _, case in ipairs {
    { "SET a 1", "OK" }, { "set b two  words", "OK" }, { "GET b", "two  words" }, { "COUNT", "2" },
    { "KEYS", "a\nb" }, { "SET a 22", "OK" }, { "COUNT", "2" }, { "GET a", "22" }, { "DEL a", "OK" },
    { "GET a", nil, "a: not found" }, { "DEL a", nil, "a: not found" }, { "COUNT", "1" }, { "", "" },
    { "SET x", nil, "SET: wrong number of words" }, { "GET", nil, "GET: wrong number of words" },
    { "KEYS x", nil, "KEYS: wrong number of words" },
    { "PUT x", nil, "PUT: no such command; :help lists them" },
    { "SET big " .. ("x"):rep(300), nil, "full: 0 KiB at most" }, { "COUNT", "1" },
  } do
    local answer, message = store:execute(case[1])
    tap.equal(answer, case[2], case[1])
    tap.equal(message, case[3], case[1])
  end
  tap.equal(store:statistics(), "1 keys, 75 bytes, 3 sets, 3 gets (2 found), 1 deleted")
end)

tap.done()
