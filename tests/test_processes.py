"""Several processes compute what one does, and find each other however they were started."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from custom_modules.base.errors import UserError
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.distributed.process_group import slurm_environment
from custom_modules.distributed.processes import rendezvous
from custom_modules.distributed.sync_batch_norm import CPUSyncBatchNorm, synchronise_batch_norm
from custom_modules.engine.stop_signal import StopSignal
from tests.conftest import ROOT, TINY, Command

CONFIG = 'configs/sample/unet_sample.py'


def step_losses(run: Path) -> list[float]:
    lines = map(json.loads, (run / 'vis_data' / 'scalars.json').read_text().splitlines())
    return [line['step/loss'] for line in lines if 'step/loss' in line]


#: Twenty steps, each of them in the scalars. With SGD: Adam makes a difference of rounding in a
#: gradient near 0 as large as a step, and on some processors the losses part in the third digit.
TWENTY = [
    *(*TINY, 'max_epochs=5', 'default_hooks.logger.interval=1', 'precision=fp32'),
    "optim_wrapper.optimizer=dict(_delete_=True,type='SGD',lr=0.02,momentum=0.9)",
    "default_hooks.average=dict(type='EMAHook',momentum=0.1)",
]


@pytest.fixture(scope='module')
def one(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process."""
    config = load_config(CONFIG, [*TWENTY, f'data_root={sample}'])
    return train(config, str(tmp_path_factory.mktemp('one')))


def test_two_processes_follow_one_for_twenty_steps(
    run_tool: Command, sample: Path, tmp_path: Path, one: Path
) -> None:
    """Half the batch each, BatchNorm over both: the same losses, weights and statistics."""
    options = ['--cfg-options', *TWENTY, f'data_root={sample}', 'batch_size=2']
    done = run_tool('dist_train.sh', CONFIG, 2, '--work-dir', 'two', *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('epoch 5/5') == 1
    assert [path.name for path in tmp_path.iterdir()] == ['two']
    assert len(list((tmp_path / 'two').glob('2*'))) == 1
    two = tmp_path / 'two' / 'latest'
    assert len(step_losses(one)) == 20
    assert step_losses(two) == pytest.approx(step_losses(one), abs=1e-4)
    weights, others = (torch.load(run / 'last.pth')['state_dict'] for run in (one, two))
    for name, values in weights.items():
        torch.testing.assert_close(others[name], values, rtol=1e-3, atol=1e-4, msg=name)


#: Processes ask each other at every tenth batch, here in the validation after the second epoch.
STOPS_EARLY = """
import signal

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class StopsEarlyHook(Hook):
    def before_train_epoch(self, runner):
        signal.raise_signal(signal.SIGTERM)
"""


def test_a_net_that_is_split_among_two_processes(
    run_tool: Command, sample: Path, tmp_path: Path, one: Path
) -> None:
    """It follows too, with its average and though it was stopped; its checkpoints are whole."""
    (tmp_path / 'stops_early.py').write_text(STOPS_EARLY)
    stopping = tmp_path / 'stopping.py'
    stopping.write_text(
        f"_base_ = '{ROOT / CONFIG}'\ncustom_imports = dict(imports=['stops_early'])\n"
        "default_hooks = dict(stop=dict(type='StopsEarlyHook'))\n"
    )
    options = [*TWENTY, f'data_root={sample}', 'batch_size=2', 'shard=True']
    arguments = [2, '--work-dir', 'split']
    done = run_tool('dist_train.sh', stopping, *arguments, '--cfg-options', *options)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    split = (tmp_path / 'split' / 'latest').resolve()
    meta = torch.load(split / 'last.pth')['meta']
    assert (meta['epoch'], meta['validation_pending']) == (2, True)
    arguments += ['--resume', split]
    done = run_tool('dist_train.sh', CONFIG, *arguments, '--cfg-options', *options)
    assert done.returncode == 0, done.stderr
    assert step_losses(split) == pytest.approx(step_losses(one), abs=1e-4)
    for file, key in (('last', 'state_dict'), ('last', 'ema_state_dict'), ('best', 'state_dict')):
        states = (torch.load(run / f'{file}.pth')[key] for run in (one, split))
        torch.testing.assert_close(*states, rtol=1e-4, atol=2e-5)
    score(load_config(CONFIG, options), str(split / 'best.pth'), quick=True)  # by one process

    whole = load_config(CONFIG, [*options, 'batch_size=4', 'shard=False'])
    with pytest.raises(UserError, match='resume with shard=True'):
        train(whole, str(tmp_path / 'split'), resume='')


def test_which_layers_are_synchronised() -> None:
    """And with one process a layer computes what BatchNorm does, statistics included."""
    for every, kinds in (
        (True, [CPUSyncBatchNorm] * 2),
        (False, [nn.BatchNorm2d, CPUSyncBatchNorm]),
    ):
        layers = nn.Sequential(nn.BatchNorm2d(3), nn.SyncBatchNorm(3))
        synchronise_batch_norm(layers, every)
        assert [type(layer) for layer in layers] == kinds
    layer, plain = CPUSyncBatchNorm(3), nn.BatchNorm2d(3)
    inputs = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 7 + 100
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group('gloo', store=store, rank=0, world_size=1)
    try:
        results = [(module(inputs), module(inputs).square().sum()) for module in (layer, plain)]
    finally:
        torch.distributed.destroy_process_group()
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(layer.state_dict(), plain.state_dict())
    torch.testing.assert_close(layer.eval()(inputs), plain.eval()(inputs))


SLURM = dict(
    SLURM_JOB_ID='20007',
    SLURM_PROCID='5',
    SLURM_LOCALID='1',
    SLURM_NODEID='2',
    SLURM_STEP_NUM_TASKS='7',
    SLURM_STEP_TASKS_PER_NODE='2(x3),1',
    SLURM_STEP_NODELIST='gpu[3-6]',
    MASTER_ADDR='gpu3',
)


def test_a_task_of_slurm_gets_what_torchrun_would_set() -> None:
    assert slurm_environment(SLURM) == dict(
        RANK='5',
        LOCAL_RANK='1',
        WORLD_SIZE='7',
        LOCAL_WORLD_SIZE='2',
        MASTER_ADDR='gpu3',
        MASTER_PORT='20007',
    )
    last = slurm_environment(SLURM | dict(SLURM_NODEID='3', MASTER_PORT='1234'))
    assert last['LOCAL_WORLD_SIZE'] == '1'
    assert last['MASTER_PORT'] == '1234'
    del SLURM['SLURM_PROCID']
    with pytest.raises(UserError, match='SLURM_PROCID is not set; start it by srun'):
        slurm_environment(SLURM)


@pytest.mark.parametrize(
    ('launcher', 'said'), [('slurm', 'start it by srun'), ('pytorch', 'tools/dist_train.sh')]
)
def test_a_launcher_that_did_not_start_the_process(
    sample: Path, tmp_path: Path, launcher: str, said: str
) -> None:
    config = load_config(CONFIG, [*TINY, f'data_root={sample}'])
    with pytest.raises(UserError, match=said):
        train(config, str(tmp_path), launcher=launcher)


def test_the_machines_of_a_launch_meet() -> None:
    assert rendezvous({}) == ['--standalone']
    both = dict(NNODES='2', MASTER_ADDR='gpu3', RUN_ID='first')
    assert rendezvous(both | dict(LOCAL_ADDR='10.0.0.2')) == [
        '--nnodes=2',
        '--rdzv-backend=c10d',
        '--rdzv-endpoint=gpu3:29500',
        '--rdzv-id=first',
        '--local-addr=10.0.0.2',
    ]
    for mistake, said in (
        (dict(NNODES='two'), "NNODES='two'"),
        (dict(PORT='0'), "PORT='0'"),
        (dict(RUN_ID=''), 'NNODES=2 needs RUN_ID'),
        (dict(MASTER_ADDR=''), 'NNODES=2 needs MASTER_ADDR'),
    ):
        with pytest.raises(UserError, match=said):
            rendezvous(both | mistake)


def test_only_a_second_interrupt_interrupts() -> None:
    with StopSignal(distributed=False) as stop:
        assert not stop.requested()
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert stop.requested() and stop.name == 'SIGTERM' and stop.exit_status == 143
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


#: What a cluster does, on one machine: a job of sbatch runs until it no longer asks for a requeue.
CLUSTER = dict(
    sbatch="""
        echo "$@" > options
        cat > job
        restarts=0
        while
            rm -f requeued
            SLURM_JOB_ID=7 SLURM_RESTART_COUNT=$restarts bash job
            status=$?
            [ -e requeued ]
        do restarts=$((restarts + 1)); done
        exit $status
    """,
    srun="""
        while [[ $1 == --* ]]; do shift; done
        export SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_NODEID=0
        export SLURM_STEP_TASKS_PER_NODE=2 SLURM_STEP_NODELIST=localhost
        SLURM_PROCID=1 SLURM_LOCALID=1 "$@" &
        SLURM_PROCID=0 SLURM_LOCALID=0 "$@"
        status=$?
        wait
        exit $status
    """,
    scontrol="""
        case "$1" in
            show) echo localhost;;
            requeue) touch requeued;;
        esac
    """,
)


def test_a_job_of_slurm_whose_time_is_up_goes_on(sample: Path, tmp_path: Path) -> None:
    for name, script in CLUSTER.items():
        (tmp_path / 'bin').mkdir(exist_ok=True)
        (tmp_path / 'bin' / name).write_text(f'#!/usr/bin/env bash\n{script}')
        (tmp_path / 'bin' / name).chmod(0o755)
    environment = os.environ | dict(
        PATH=f'{tmp_path / "bin"}:{os.environ["PATH"]}',
        PYTHON=sys.executable,
        PARTITION='gpu',
        CPUS_PER_TASK='1',
    )
    options = [*TINY, f'data_root={sample}', 'train_dataloader.dataset.indices=80', 'max_epochs=5']
    arguments = [str(ROOT / CONFIG), '2', '--work-dir', 'runs', '--cfg-options', *options]
    job = subprocess.Popen(
        ['bash', str(ROOT / 'tools' / 'slurm_train.sh'), *arguments, 'sync_bn=None'],
        cwd=tmp_path,
        env=environment | dict(MASTER_PORT=str(20_000 + os.getpid() % 10_000)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    run = tmp_path / 'runs' / 'latest'
    for _ in range(600):
        if (run / 'last.pth').is_file():
            break
        time.sleep(0.1)
    tasks = f'^{sys.executable} .*--launcher slurm.*data_root={sample}'
    subprocess.run(['pkill', '-TERM', '-f', tasks], check=True)
    output, _ = job.communicate(timeout=120)
    assert job.returncode == 0, output
    assert output.count('status 143: queued again') == 1
    assert [output.count(f'\nepoch {epoch}/5') for epoch in range(1, 6)] == [1] * 5, output
    assert len(list((tmp_path / 'runs').glob('2*'))) == 1
    asked = (tmp_path / 'options').read_text().split()
    assert {'--requeue', '--signal=TERM@120', '--ntasks=2', '--partition=gpu'} <= set(asked)
