-- Figures in the Prometheus text exposition format, version 0.0.4: families in the order they were
-- begun, each with its # HELP and # TYPE, labels in the order they are given. Pure.
local M = {}

local ESCAPES = { ["\\"] = "\\\\", ["\n"] = "\\n", ["\""] = "\\\"" }

-- labels: { name, value, name, value... }
local function label_text(labels, more_name, more_value)
  local parts = {}
  local function add(name, value)
    parts[#parts + 1] = ('%s="%s"'):format(name, tostring(value):gsub('[\\\n"]', ESCAPES))
  end
  for i = 1, #labels, 2 do add(labels[i], labels[i + 1]) end
  if more_name then add(more_name, more_value) end
  return parts[1] and "{" .. table.concat(parts, ",") .. "}" or ""
end

local function number_text(value)
  if math.type(value) == "integer" then return tostring(value) end
  if value == math.huge then return "+Inf" end
  return (("%.9f"):format(value):gsub("%.?0+$", ""))
end

-- A writer: families are begun with writer.family, and writer.text() is the page.
function M.new()
  local lines, begun = {}, {}
  local writer = {}

  -- Begins a family; returns sample(value, labels) to add to it. kind: "counter", "gauge"; for a
  -- "histogram" sample(bounds, counts, sum, labels): counts by bucket, one more than bounds.
  -- A family without samples leaves nothing.
  function writer.family(name, kind, help)
    assert(name:find("^[%a_:][%w_:]*$") and not begun[name], name)
    begun[name] = true
    local has_head = false
    local function put(suffix, labels, value)
      if not has_head then
        lines[#lines + 1] = ("# HELP %s %s"):format(name, help:gsub("[\\\n]", ESCAPES))
        lines[#lines + 1] = ("# TYPE %s %s"):format(name, kind)
        has_head = true
      end
      lines[#lines + 1] = ("%s%s%s %s"):format(name, suffix, labels, number_text(value))
    end
    if kind ~= "histogram" then
      return function(value, labels) put("", label_text(labels or {}), value) end
    end
    return function(bounds, counts, sum, labels)
      local so_far = 0
      for i, count in ipairs(counts) do
        so_far = so_far + count
        put("_bucket", label_text(labels, "le", number_text(bounds[i] or math.huge)), so_far)
      end
      put("_sum", label_text(labels), sum)
      put("_count", label_text(labels), so_far)
    end
  end

  function writer.text()
    return table.concat(lines, "\n") .. "\n"
  end

  return writer
end

return M
