-- A strict reader of the Prometheus text exposition format, version 0.0.4.
--
-- read(text) returns { order = { family... }, [family] = { type, help, samples = { { name, labels, value,
-- key }... } }, value = key -> number } or raises, naming the line. Stricter than Prometheus: HELP and
-- TYPE before every family, families in one piece, no sample twice, no timestamps; counters end in
-- _total, and histograms are whole: ascending bounds up to +Inf, counts that never fall, sum and count.
local M = {}

local UNESCAPED = { ["\\\\"] = "\\", ["\\n"] = "\n", ['\\"'] = '"' }

-- The labels in braces as { name = value } and in their order; nil, what is wrong.
local function read_labels(text)
  local labels, at = {}, 1
  while at <= #text do
    local name, start = text:match('^([%a_][%w_]*)="()', at)
    if not name then return nil, "no label name at " .. text:sub(at) end
    if labels[name] then return nil, "label twice: " .. name end
    local value = {}
    at = start
    while text:sub(at, at) ~= '"' do
      local piece = text:match('^[^\\"\n]+', at)
      local escaped = not piece and UNESCAPED[text:sub(at, at + 1)]
      if not piece and not escaped then return nil, "bad label value of " .. name end
      value[#value + 1] = piece or escaped
      at = at + (piece and #piece or 2)
    end
    labels[name] = table.concat(value)
    at = at + 1
    if at <= #text then
      if text:sub(at, at) ~= "," then return nil, "no comma behind " .. name end
      at = at + 1
    end
  end
  return labels
end

local function read_number(text)
  if text == "+Inf" then return math.huge end
  if not text:find("^-?%d+%.?%d*$") and not text:find("^-?%d+%.?%d*e[+-]?%d+$") then return nil end
  return tonumber(text)
end

-- Labels but `le`, as one string.
local function series_of(labels)
  local parts = {}
  for name, value in pairs(labels) do
    if name ~= "le" then parts[#parts + 1] = ("%s=%q"):format(name, value) end
  end
  table.sort(parts)
  return table.concat(parts, ",")
end

local SUFFIXES = { _bucket = true, _sum = true, _count = true }

local function check_histogram(name, family)
  local all = {}
  for _, sample in ipairs(family.samples) do
    local series = series_of(sample.labels)
    local histogram = all[series] or { bound = -math.huge, count = 0 }
    all[series] = histogram
    local suffix = sample.name:sub(#name + 1)
    if suffix == "_bucket" then
      local bound = read_number(sample.labels.le or "")
      assert(bound, sample.key .. ": no bound")
      assert(bound > histogram.bound, sample.key .. ": bounds do not ascend")
      assert(sample.value >= histogram.count, sample.key .. ": less than the bucket before")
      histogram.bound, histogram.count = bound, sample.value
    else
      histogram[suffix] = sample.value
    end
  end
  for series, histogram in pairs(all) do
    local who = name .. "{" .. series .. "}"
    assert(histogram.bound == math.huge, who .. ": no +Inf bucket")
    assert(histogram._sum, who .. ": no sum")
    assert(histogram._count == histogram.count, who .. ": count and +Inf differ")
  end
end

function M.read(text)
  assert(text:sub(-1) == "\n", "the last line has no end")
  local result = { order = {}, value = {} }
  local families, current, number = {}, nil, 0
  local function fail(what, line) error(("line %d: %s: %q"):format(number, what, line), 0) end
  for line in text:gmatch("([^\n]*)\n") do
    number = number + 1
    local kind, name, rest = line:match("^# (%u+) ([%a_:][%w_:]*) (.*)$")
    if kind == "HELP" then
      if families[name] then fail("family twice", line) end
      if rest:gsub("\\\\", ""):gsub("\\n", ""):find("\\", 1, true) then fail("bad escape", line) end
      current = { name = name, help = rest, samples = {} }
      families[name] = current
      result.order[#result.order + 1] = name
    elseif kind == "TYPE" then
      if not current or current.name ~= name or current.type then fail("TYPE without its HELP", line) end
      if rest ~= "counter" and rest ~= "gauge" and rest ~= "histogram" then fail("unknown type", line) end
      if rest == "counter" and not name:find("_total$") then fail("a counter without _total", line) end
      current.type = rest
    elseif line:find("^#") or line == "" then
      fail("neither HELP, TYPE nor a sample", line)
    else
      local sample, labels, value = line:match("^([%a_:][%w_:]*)(%b{}) (%S+)$")
      if not sample then
        sample, value = line:match("^([%a_:][%w_:]*) (%S+)$")
        labels = "{}"
      end
      if not sample then fail("not a sample", line) end
      if not current or not current.type then fail("a sample without a family", line) end
      local suffix = sample:sub(1, #current.name) == current.name and sample:sub(#current.name + 1)
      if not (current.type == "histogram" and SUFFIXES[suffix] or suffix == "") then
        fail("a sample of another family than " .. current.name, line)
      end
      local set, problem = read_labels(labels:sub(2, -2))
      if not set then fail(problem, line) end
      local figure = read_number(value)
      if not figure then fail("not a number", line) end
      if current.type ~= "gauge" and figure < 0 then fail("a counter below 0", line) end
      local key = sample .. (labels ~= "{}" and labels or "")
      if result.value[key] then fail("sample twice", line) end
      result.value[key] = figure
      table.insert(current.samples, { name = sample, labels = set, value = figure, key = key })
    end
  end
  for name, family in pairs(families) do
    assert(family.type and family.samples[1], name .. ": a family without samples")
    if family.type == "histogram" then check_histogram(name, family) end
    result[name] = family
  end
  return result
end

return M
