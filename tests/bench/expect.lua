-- Guest instructions a repetition, by row; `scons bench` fails above +5 %. A change of a figure
-- says why in its commit. Written by `lua5.4 tests/bench/run.lua --update`.
return {
  ["null-call"] = 131,
  ["event-read"] = 151,
  ["clock"] = 21,
  ["call"] = 1488,
  ["futex"] = 1329,
  ["spawn-tiny"] = 43164,
  ["spawn-lua"] = 356707,
  ["thread"] = 3625,
  ["open-image"] = 6192,
  ["open-tmp"] = 9836,
  ["read-4KiB"] = 855,
  ["map-1MiB"] = 149450,
  ["far-touch"] = 924,
  ["far-map"] = 2317,
  ["pipe-64KiB"] = 40353,
  ["pipe-1B"] = 805,
  ["sleep-1ms"] = 1119,
  ["big-file"] = 2105147,
  ["sleepers"] = 32670,
}
