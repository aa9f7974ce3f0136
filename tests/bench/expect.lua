-- Guest instructions a repetition, by row; `scons bench` fails above +5 %. A change of a figure
-- says why in its commit. Written by `lua5.4 tests/bench/run.lua --update`.
return {
  ["null-call"] = 130,
  ["event-read"] = 150,
  ["clock"] = 21,
  ["call"] = 1475,
  ["futex"] = 1291,
  ["spawn-tiny"] = 42932,
  ["spawn-lua"] = 357131,
  ["thread"] = 3012,
  ["open-image"] = 5610,
  ["open-tmp"] = 9945,
  ["read-4KiB"] = 857,
  ["map-1MiB"] = 149842,
  ["far-touch"] = 917,
  ["far-map"] = 2311,
  ["pipe-64KiB"] = 40344,
  ["pipe-1B"] = 784,
  ["sleep-1ms"] = 1344,
  ["big-file"] = 2101297,
  ["sleepers"] = 33251,
}
