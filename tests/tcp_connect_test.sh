#!/bin/sh
# Builds what the test boots and runs tests/acceptance/tcp_connect_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw tcp_connect_test
