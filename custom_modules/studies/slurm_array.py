"""The experiments of a sweep as an array of Slurm jobs, by a script that this module writes."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..base.errors import UserError
from ..base.paths import PROJECT_ROOT, make_writable, workspace
from ..base.whole_file import whole_file

#: Seconds that a job has to save its state before its time is up.
NOTICE = 120

_SCRIPT = """\
#!/usr/bin/env bash
# The experiments of a sweep, one per job of an array. Made by tools/sweep.py --executor slurm
{settings}
cd {project} || exit 2
srun --cpus-per-task={cores} {command} --only "$SLURM_ARRAY_TASK_ID"
status=$?
# 130: asked to stop, as when the time is up. What it had is saved; the next job goes on with it.
if [ "$status" = 130 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$status"
"""


def submit_array(folder: Path, text: str) -> str:
    """Write a script of ``array_script`` and give it to Slurm.

    Args:
        folder: folder for the script.
        text: text of the script, as ``array_script`` returns it.

    Returns:
        The job id of the array.

    Raises:
        UserError: there is no sbatch, or it refuses the array.
    """
    script = folder / 'sweep.sbatch'
    make_writable(folder, '--work-dir')
    with whole_file(script) as file:
        file.write(text)
    if shutil.which('sbatch') is None:
        raise UserError(
            f'there is no sbatch here; {script} is written: give it to sbatch on a machine of the '
            'cluster'
        )
    done = subprocess.run(['sbatch', '--parsable', str(script)], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f'sbatch refused {script}: {done.stderr.strip()}')
    return done.stdout.strip().partition(';')[0]


def array_script(
    folder: Path,
    indices: Sequence[int],
    arguments: Sequence[str],
    jobs: int,
    cores: int = 1,
    settings: Sequence[str] = (),
) -> str:
    """Return the script of an array.

    Args:
        folder: folder for what the jobs print.
        indices: places in the sweep, from 0, of the experiments to run.
        arguments: arguments of ``tools/sweep.py``, which each job calls with ``--only INDEX``.
        jobs: number of experiments that run at a time.
        cores: number of cores for each experiment.
        settings: options of sbatch, ``key=value``, such as ``partition=gpu``.

    Raises:
        UserError: a setting is not of the form ``key=value``, or is one that the sweep sets itself.
    """
    own = {
        'job-name': 'petseg-sweep',
        'array': f'{_ranges(indices)}%{jobs}',
        'ntasks': '1',
        'cpus-per-task': str(cores),
        'output': f'{folder}/slurm-%A_%a.out',
        'open-mode': 'append',
        'signal': f'TERM@{NOTICE}',
    }
    for setting in settings:
        key, equals, value = setting.partition('=')
        if not (equals and re.fullmatch(r'[a-z][a-z-]*', key) and value.isprintable()):
            raise UserError(f'--sbatch {setting}: write key=value, such as partition=gpu')
        if key in ('array', 'signal', 'ntasks'):
            raise UserError(f'--sbatch {setting}: {key} is set by the sweep')
        own[key] = value
    lines = [f'#SBATCH --{key}={shlex.quote(value)}' for key, value in own.items()]
    command = [sys.executable, str(PROJECT_ROOT / 'tools' / 'sweep.py'), *arguments]
    return _SCRIPT.format(
        settings='\n'.join([*lines, '#SBATCH --requeue']),
        project=shlex.quote(str(workspace())),
        cores=cores,
        command=shlex.join(command),
    )


def _ranges(indices: Iterable[int]) -> str:
    """Return ``0-3,7`` for 0, 1, 2, 3, 7."""
    parts: list[list[int]] = []
    for index in sorted(indices):
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ','.join(str(a) if a == b else f'{a}-{b}' for a, b in parts)
