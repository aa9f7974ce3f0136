-- Guest instructions a repetition, by row; `scons bench` fails above +5 %. A change of a figure
-- says why in its commit. Written by `lua5.4 tests/bench/run.lua --update`.
return {
}
