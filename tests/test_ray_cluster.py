"""A sweep on a Ray cluster of two machines, of which one dies."""

import time
from pathlib import Path
from threading import Thread

import pytest

from custom_modules.commands.sweep import build_sweep
from custom_modules.studies.ray_cluster import run_on_ray
from custom_modules.studies.running import DONE, OUTPUT
from tests.conftest import TINY

pytest.importorskip('ray')

CONFIG = 'configs/sample/unet_sample.py'


def test_a_machine_dies(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its experiment goes on elsewhere from its last checkpoint; each of them is tested once."""
    monkeypatch.setenv('RAY_USAGE_STATS_ENABLED', '0')
    from ray.cluster_utils import Cluster

    options = [*TINY, f'data_root={sample}', 'max_epochs=30']
    sweep = build_sweep([CONFIG], seeds='0,1', work_dir=str(tmp_path / 'runs'), options=options)
    soon = dict(health_check_period_ms=1000, health_check_failure_threshold=6)
    head = dict(num_cpus=1, include_dashboard=False, _system_config=soon)
    cluster = Cluster(initialize_head=True, head_node_args=head)
    worker = cluster.add_node(num_cpus=1)
    monkeypatch.setenv('RAY_ADDRESS', cluster.address)

    def kill_one() -> None:
        while not list(tmp_path.rglob('last.pth')):
            time.sleep(0.05)
        cluster.remove_node(worker, allow_graceful=False)

    thread = Thread(target=kill_one)
    thread.start()
    try:
        progress = run_on_ray(sweep.experiments)
    finally:
        thread.join(timeout=60)
        cluster.shutdown()
    assert [one.state for one in progress] == [DONE] * 2
    for experiment in sweep.experiments:
        assert len(list(experiment.folder.glob('2*/metrics.json'))) == 1
        assert len(list(experiment.folder.glob('2*/last.pth'))) == 1  # what was begun went on
        assert (experiment.folder / OUTPUT).read_text().count('metrics: ') == 1
