#!/usr/bin/env bash
# tools/test.py in several processes: bash tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
set -euo pipefail
usage="usage: bash tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]"
[ $# -ge 3 ] || { echo "$usage" >&2; exit 2; }
config=$1 checkpoint=$2 gpus=$3
shift 3
. "$(dirname "$0")/python.sh"
exec "$PYTHON" "$(dirname "$0")/launch.py" test "$gpus" "$config" "$checkpoint" "$@"
