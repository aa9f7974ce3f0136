#!/bin/sh
# Builds what the test boots and runs tests/acceptance/console_login_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw console_login_test
