"""A sweep as an array of Slurm jobs: the script, and what its jobs do, with stand-ins for Slurm."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from custom_modules.base.errors import UserError
from custom_modules.studies.slurm_array import array_script
from tests.conftest import ROOT, TINY, Command

CONFIG = 'configs/sample/unet_sample.py'


def test_the_script(tmp_path: Path) -> None:
    arguments = ['configs/a b.py', '--cfg-options', "x='$y'"]
    settings = ['partition=gpu', 'gres=gpu:1', 'cpus-per-task=8']
    script = array_script(tmp_path, [0, 1, 2, 5, 7, 8], arguments, 4, 2, settings)
    lines = script.splitlines()
    assert lines[0] == '#!/usr/bin/env bash'
    for line in (
        '--array=0-2,5,7-8%4',
        '--cpus-per-task=8',
        '--partition=gpu',
        '--gres=gpu:1',
        '--signal=TERM@120',
        '--requeue',
    ):
        assert f'#SBATCH {line}' in lines
    (command,) = [line for line in lines if line.startswith('srun')]
    words = shlex.split(command)
    assert words[2:] == [
        sys.executable,
        f'{ROOT}/tools/sweep.py',
        *arguments,
        '--only',
        '$SLURM_ARRAY_TASK_ID',
    ]
    assert subprocess.run(['bash', '-n'], input=script, text=True).returncode == 0


@pytest.mark.parametrize('setting', ['partition', 'Partition=gpu', 'x=a\nb', 'array=0-3', '=x'])
def test_settings_that_are_none(tmp_path: Path, setting: str) -> None:
    with pytest.raises(UserError, match='--sbatch'):
        array_script(tmp_path, [0], [], 1, 1, [setting])


def stand_in(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f'#!/usr/bin/env bash\n{script}')
    program.chmod(0o755)


def test_a_sweep_of_two_jobs(run_tool: Command, sample: Path, tmp_path: Path) -> None:
    """``sbatch`` here runs the jobs of the array one after the other; one is asked to stop."""
    options = [*TINY, f'data_root={sample}', 'max_epochs=1', 'train_dataloader.dataset.indices=4']
    sweep = ['sweep.py', CONFIG, '--grid', 'learning_rate=1e-3,1e-2', '--work-dir', 'runs']
    sweep += ['--cfg-options', *options]
    slurm = tmp_path / 'bin'
    slurm.mkdir()
    stand_in(slurm, 'sbatch', f'cp "$2" {tmp_path}/array.sh; echo "17;cluster"')
    stand_in(slurm, 'srun', 'shift; exec "$@"')
    stand_in(slurm, 'scontrol', f'echo "$@" >> {tmp_path}/scontrol.txt')
    path = os.environ['PATH']
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PATH', f'{slurm}:{path}')
        done = run_tool(*sweep, '--executor', 'slurm', '--sbatch', 'partition=gpu')
        assert done.returncode == 0, done.stderr
        assert '2 experiments have the Slurm job id 17' in done.stdout
        for index in ('0', '1'):
            patch.setenv('SLURM_ARRAY_TASK_ID', index)
            job = subprocess.run(
                ['bash', tmp_path / 'array.sh'], cwd='/', capture_output=True, text=True
            )
            assert job.returncode == 0, job.stderr
            assert '1 of 1 experiments done' in job.stdout
        assert not (tmp_path / 'scontrol.txt').exists()
        # Time is up: the sweep's 130 queues the job again.
        stand_in(slurm, 'srun', 'exit 130')
        patch.setenv('SLURM_JOB_ID', '18')
        assert subprocess.run(['bash', tmp_path / 'array.sh']).returncode == 130
        assert (tmp_path / 'scontrol.txt').read_text() == 'requeue 18\n'
        again = run_tool(*sweep, '--executor', 'slurm')
        assert (again.returncode, again.stdout) == (0, 'all experiments are done\n')
    folder = tmp_path / 'runs' / 'own' / 'unet_sample'
    assert len(list(folder.glob('*/latest/metrics.json'))) == 2
    assert (folder / 'results.json').is_file()

    nowhere = run_tool(*sweep[:-1], 'seed=1', '--executor', 'slurm', '--only', '2')
    assert (nowhere.returncode, '--only 2: use 0 to 1' in nowhere.stderr) == (2, True)
