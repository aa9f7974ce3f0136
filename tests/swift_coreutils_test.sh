#!/bin/sh
# Builds what the test boots and runs tests/acceptance/swift_coreutils_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw swift_coreutils_test
