#!/bin/sh
# Builds what the test boots and runs tests/acceptance/cap_enforce_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw cap_enforce_test
