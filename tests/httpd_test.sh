#!/bin/sh
# Builds what the test boots and runs tests/acceptance/httpd_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw httpd_test
