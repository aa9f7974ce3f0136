-- A sample to copy: says what time it is every ten seconds, until it is asked to end. Not started at
-- boot; try `svc start ticker` and `svc logs -f ticker`.
return {
  description = "sample: prints the time",
  program = "/bin/lua",
  arguments = { "-e", [[
    io.stdout:setvbuf("line")
    print("ticking")
    while true do
      require("swos").sleep(10)
      print(os.date("%H:%M:%S"))
    end
  ]] },
  names = { "file/base" },
  capabilities = { "fs-read" },
  requires = { "logd" },
  ready = { line = "ticking" },
  limits = { memory = "8M", processes = 1, threads = 1 },
}
