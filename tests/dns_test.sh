#!/bin/sh
# Builds what the test boots and runs tests/acceptance/dns_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw dns_test
