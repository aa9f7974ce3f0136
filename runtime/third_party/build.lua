-- Make build/third_party/NAME hold the finished build of one library.
--
--   lua5.4 build.lua NAME OUT      build, or take from the cache, into OUT
--   lua5.4 build.lua --fetch       only fetch all tarballs into the cache
--
-- The cache ($SWOS_CACHE, default ${XDG_CACHE_HOME:-~/.cache}/swos) holds
--   downloads/FILE        the tarballs, believed by their SHA-256 alone
--   built/NAME-KEY.tar    finished builds; KEY is a hash over tarball, recipe, flags
--                         and compiler version
-- Both are written under another name and moved into place. OUT/KEY names the build.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local manifest = dofile(here .. "/manifest.lua")

local function fail(format, ...)
  io.stderr:write(string.format(format, ...), "\n")
  os.exit(1)
end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function run(...)
  return (os.execute((string.format(...))))
end

local function must(...)
  return run(...) or fail("failed: %s", string.format(...))
end

local function output(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a")
end

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

local function environment(name)
  return os.getenv(name) or fail("%s is not set; the build is started by scons", name)
end

local function file_hash(path)
  return output("sha256sum <" .. quote(path)):match("^%x+")
end

local cache = os.getenv("SWOS_CACHE")
if not cache or cache == "" then
  local base = os.getenv("XDG_CACHE_HOME")
  if not base or base == "" then base = (os.getenv("HOME") or fail("HOME is not set")) .. "/.cache" end
  cache = base .. "/swos"
end

-- Where the machine's own apt takes packages from: the roots of its archives. The private
-- configuration keeps apt's state out of /etc and /var.
local function archive_roots(apt)
  local roots, seen = {}, {}
  local list = output("APT_CONFIG=" .. quote(apt) ..
    " apt-get indextargets --no-release-info --format '$(REPO_URI)' 2>/dev/null")
  for root in list:gmatch("[^\n]+") do
    root = root:gsub("/*$", "/")
    if not seen[root] then roots[#roots + 1] = root end
    seen[root] = true
  end
  return roots
end

local function download(pin, path)
  local state = cache .. "/apt"
  must("mkdir -p %s/lists/partial %s/archives/partial", quote(state), quote(state))
  local config = state .. "/apt.conf"
  write(config, string.format('Dir::State::lists "%s/lists";\nDir::Cache "%s";\n' ..
    'APT::Sandbox::User "root";\nAcquire::Retries "2";\n', state, state))
  local part = path .. ".part"
  for _, root in ipairs(archive_roots(config)) do
    local uri = root .. "pool/" .. pin.pool .. "/" .. pin.file
    if run("APT_CONFIG=%s /usr/lib/apt/apt-helper download-file %s %s SHA256:%s >%s/log.%s 2>&1",
        quote(config), quote(uri), quote(part), pin.sha256, quote(state), pin.file)
      and file_hash(part) == pin.sha256 then
      return assert(os.rename(part, path))
    end
    os.remove(part)
    os.remove(part .. ".FAILED")
  end
end

local function fetch(name)
  local pin = manifest[name]
  local path = cache .. "/downloads/" .. pin.file
  must("mkdir -p %s", quote(cache .. "/downloads"))
  local found = read(path) and file_hash(path)
  if found == pin.sha256 or not found and download(pin, path) then return path end
  fail([[
%s: cannot get the pinned source
  expected  version %s, file %s
  SHA-256   %s%s
  by hand   put that file at %s
  new pin   change version, file and sha256 of '%s' in runtime/third_party/manifest.lua
            (what there is now: apt-get source --print-uris, from a Debian suite that has it)]],
    name, pin.version, pin.file, pin.sha256,
    found and "\n  but       the file there has " .. found or "", path, name)
end

-- What a finished build depends on: tarball, compiler, flags, recipe without its comments,
-- and the builds whose headers it sees.
local function build_key(name, pin, out)
  local cc = environment("TARGET_CC")
  local parts = {
    pin.sha256, cc, environment("TARGET_CFLAGS"), output(cc .. " --version"),
    output(environment("CROSS") .. "ld --version"),
  }
  for _, other in ipairs(pin.needs or {}) do
    parts[#parts + 1] = read(out .. "/../" .. other .. "/KEY") or fail("%s must be built first", other)
  end
  local recipe = output(string.format("cd %s && ls build.sh %s.sh && find %s -type f 2>/dev/null | sort",
    quote(here), name, name))
  for file in recipe:gmatch("[^\n]+") do
    if not file:find("README", 1, true) then
      parts[#parts + 1] = file
      local text = read(here .. "/" .. file)
      if file:find("%.sh$") then text = ("\n" .. text):gsub("\n%s*#[^\n]*", "") end
      parts[#parts + 1] = text
    end
  end
  local scratch = os.tmpname()
  write(scratch, table.concat(parts, "\0"))
  local key = file_hash(scratch)
  os.remove(scratch)
  return key:sub(1, 32)
end

local function build(name, out)
  local pin = manifest[name] or fail("manifest.lua has no library '%s'", name)
  local key = build_key(name, pin, out)
  if read(out .. "/KEY") == key .. "\n" then return end

  local stored = string.format("%s/built/%s-%s.tar", cache, name, key)
  local fresh = out .. ".new"
  must("rm -rf %s", quote(fresh))
  if not (read(stored) and run("mkdir -p %s && tar -xf %s -C %s", quote(fresh), quote(stored),
      quote(fresh)) and read(fresh .. "/KEY") == key .. "\n") then
    local work, log = out .. ".work", out .. ".log"
    local tarball = fetch(name)
    must("mkdir -p $(dirname %s)", quote(out))
    if not run("NEEDS=%s sh %s %s %s %s %s >%s 2>&1", quote(table.concat(pin.needs or {}, " ")),
        quote(here .. "/build.sh"), name, quote(tarball), quote(work), quote(fresh), quote(log)) then
      run("tail -n 20 %s >&2", quote(log))
      fail("%s: build failed; all of it is in %s", name, log)
    end
    write(fresh .. "/KEY", key .. "\n")
    must("mkdir -p %s/built", quote(cache))
    must("tar -cf %s.part.$$ --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C %s . " ..
      "&& mv %s.part.$$ %s",
      quote(stored), quote(fresh), quote(stored), quote(stored))
    must("rm -rf %s", quote(work))
  end
  must("rm -rf %s && mv %s %s", quote(out), quote(fresh), quote(out))
end

if arg[1] == "--fetch" then
  local names = {}
  for name in pairs(manifest) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do print(fetch(name)) end
elseif arg[1] and arg[2] then
  build(arg[1], arg[2])
else
  fail("usage: build.lua NAME OUT | --fetch")
end
