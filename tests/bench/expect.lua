-- Guest instructions a repetition, by row; `scons bench` fails above +5 %. A change of a figure
-- says why in its commit. Written by `lua5.4 tests/bench/run.lua --update`.
return {
  ["null-call"] = 141,
  ["event-read"] = 161,
  ["clock"] = 21,
  ["call"] = 1477,
  ["futex"] = 1584,
  ["spawn-tiny"] = 43230,
  ["spawn-lua"] = 354778,
  ["thread"] = 3621,
  ["open-image"] = 6201,
  ["open-tmp"] = 9834,
  ["read-4KiB"] = 855,
  ["map-1MiB"] = 149434,
  ["pipe-64KiB"] = 40349,
  ["pipe-1B"] = 805,
  ["sleep-1ms"] = 1117,
  ["big-file"] = 2105095,
  ["sleepers"] = 32573,
}
