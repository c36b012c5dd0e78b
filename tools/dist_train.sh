#!/usr/bin/env bash
# tools/train.py in several processes: bash tools/dist_train.sh CONFIG GPUS [arguments of train.py]
set -euo pipefail
usage="usage: bash tools/dist_train.sh CONFIG GPUS [arguments of train.py]"
[ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }
config=$1 gpus=$2
shift 2
. "$(dirname "$0")/python.sh"
exec "$PYTHON" "$(dirname "$0")/launch.py" train "$gpus" "$config" "$@"
