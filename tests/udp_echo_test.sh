#!/bin/sh
# Builds what the test boots and runs tests/acceptance/udp_echo_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw udp_echo_test
