-- The Prometheus text format: what the writer writes, the strict reader of the tests reads back; and the
-- reader refuses what is wrong.
package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local exposition = require("swos.exposition")
local reader = require("exposition")

tap.test("families, labels, escapes, numbers", function()
  local page = exposition.new()
  page.family("a_total", "counter", "Back\\slash,\nnew line and \"quotes\".")(7)
  local put = page.family("b", "gauge", "B.")
  put(1.5, { "name", 'a"b\\c\nd' })
  put(-3, { "name", "" })
  put(0.1 + 0.2, { "name", "x", "other", 4 })
  page.family("empty", "gauge", "Nothing is said of it.")
  tap.equal(page.text(), [[
# HELP a_total Back\\slash,\nnew line and "quotes".
# TYPE a_total counter
a_total 7
# HELP b B.
# TYPE b gauge
b{name="a\"b\\c\nd"} 1.5
b{name=""} -3
b{name="x",other="4"} 0.3
]])
  local read = reader.read(page.text())
  tap.equal(table.concat(read.order, " "), "a_total b")
  tap.equal(read.b.samples[1].labels.name, 'a"b\\c\nd')
  tap.equal(read.value.a_total, 7)
end)

tap.test("histograms", function()
  local page = exposition.new()
  local put = page.family("h_seconds", "histogram", "H.")
  put({ 0.001, 1 }, { 2, 0, 3 }, 9.25, { "service", "x" })
  put({ 0.001, 1 }, { 0, 0, 0 }, 0, { "service", "y" })
  local text = page.text()
  tap.contains(text, [[
h_seconds_bucket{service="x",le="0.001"} 2
h_seconds_bucket{service="x",le="1"} 2
h_seconds_bucket{service="x",le="+Inf"} 5
h_seconds_sum{service="x"} 9.25
h_seconds_count{service="x"} 5
]])
  reader.read(text)
  for _, change in ipairs {
    { 'le="0.001"} 2', 'le="2"} 2' }, { 'le="1"} 2', 'le="1"} 1' }, { 'le="+Inf"} 5', 'le="3"} 5' },
    { 'count{service="x"} 5', 'count{service="x"} 4' }, { "h_seconds_sum", "h_seconds_sums" },
  } do
    local from, to = text:find(change[1], 1, true)
    tap.check(not pcall(reader.read, text:sub(1, from - 1) .. change[2] .. text:sub(to + 1)), "%s", change[2])
  end
end)

tap.test("the reader is strict", function()
  local head = "# HELP a_total A.\n# TYPE a_total counter\n"
  reader.read(head .. "a_total 1\n")
  for _, text in ipairs {
    "a_total 1\n", head .. "a_total 1", head, head .. "b 1\n", head .. "a_total x\n", head .. "a_total 1 2\n",
    head .. "a_total -1\n", head .. "a_total 1\na_total 2\n", head .. "a_total{x=1} 1\n",
    head .. 'a_total{x="\\q"} 1\n', head .. 'a_total{x="1" y="2"} 1\n', head .. 'a_total{x="1",x="2"} 1\n',
    head .. "\na_total 1\n", head .. "a_total 1\n" .. head .. "a_total{x=\"1\"} 1\n",
    "# TYPE a_total counter\na_total 1\n", "# HELP a A.\n# TYPE a counter\na 1\n",
    "# HELP a_total A\\q.\n# TYPE a_total counter\na_total 1\n", head .. "a_total 0x10\n",
  } do tap.check(not pcall(reader.read, text), "taken: %q", text) end
end)

tap.done()
