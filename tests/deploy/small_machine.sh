#!/bin/sh
# The short form of `make small-machine`, whose long form finds out how much more.
cd "$(dirname "$0")/../.." || exit 1
command -v taskset > /dev/null || { echo "taskset is not installed"; exit 75; }
exec "${PYTHON:-/usr/bin/python3}" -B tests/load/small_machine.py --rates 75 --seconds 8 --fill 4000
