#!/bin/sh
# Builds what the test boots and runs tests/acceptance/ipv6_smoke_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw ipv6_smoke_test
