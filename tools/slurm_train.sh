#!/usr/bin/env bash
# tools/train.py as a Slurm job: bash tools/slurm_train.sh CONFIG GPUS [arguments of train.py]
#
# The job is queued again, and goes on with its run, when a node fails, it is preempted, its time is
# up, or (RESTARTS=3 times) a process dies. Variables of the environment change how:
#   PARTITION, TIME (such as 4:00:00), JOB_NAME (default: the config's name)
#   GPUS_PER_NODE  default: GPUS, at most 8; 0 for nodes without any
#   CPUS_PER_TASK  default 8
#   SBATCH_ARGS    more options of sbatch, such as "--account=lab --qos=long"
set -euo pipefail
usage="usage: bash tools/slurm_train.sh CONFIG GPUS [arguments of train.py]"
[ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }
config=$1 tasks=$2
shift 2
case $tasks in ''|*[!0-9]*|0*) echo "error: GPUS='$tasks': give the number of processes, 1 or more" >&2; exit 2;; esac
[ -f "$config" ] || { echo "error: $config: there is no such config" >&2; exit 2; }
command -v sbatch > /dev/null || { echo "error: there is no sbatch here; run this on a machine of a Slurm cluster" >&2; exit 2; }
tools=$(cd "$(dirname "$0")" && pwd)
. "$tools/python.sh"

gpus_per_node=${GPUS_PER_NODE:-$((tasks < 8 ? tasks : 8))}
cpus=${CPUS_PER_TASK:-8}
options=(
    --job-name="${JOB_NAME:-$(basename "$config" .py)}" --ntasks="$tasks" --cpus-per-task="$cpus"
    --requeue --open-mode=append --output=slurm-%j.out
    --signal=TERM@120 # to the processes, two minutes before the time is up: they save and leave
)
[ "$gpus_per_node" = 0 ] || options+=(--gpus-per-node="$gpus_per_node" --ntasks-per-node="$gpus_per_node")
[ -z "${PARTITION:-}" ] || options+=(--partition="$PARTITION")
[ -z "${TIME:-}" ] || options+=(--time="$TIME")
# shellcheck disable=SC2206  # several options in one variable
options+=(${SBATCH_ARGS:-})

train=$(printf '%q ' "$PYTHON" "$tools/train.py" "$config" --launcher slurm "$@")
sbatch "${options[@]}" << JOB
#!/usr/bin/env bash
export OMP_NUM_THREADS=$cpus MKL_NUM_THREADS=$cpus
srun --cpus-per-task=$cpus --kill-on-bad-exit=1 $train
status=\$?
# 143: asked to stop, as when the time is up. 2: a mistake in config or data, which comes again.
restarts=\${SLURM_RESTART_COUNT:-0}
if [ \$status = 143 ] || { [ \$status != 0 ] && [ \$status != 2 ] && [ \$restarts -lt ${RESTARTS:-0} ]; }; then
    echo "status \$status: queued again"
    scontrol requeue "\$SLURM_JOB_ID"
fi
exit \$status
JOB
