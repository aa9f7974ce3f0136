#!/bin/sh
# Builds what the test boots and runs tests/acceptance/ipv6_udp_echo_test.lua; SMP_CPUS sets the CPUs.
cd "$(dirname "$0")/.." && exec ./sconsw ipv6_udp_echo_test
