#!/bin/sh
# Builds what the test boots and runs tests/acceptance/vfs_disk_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw vfs_disk_test
