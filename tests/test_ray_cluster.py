"""A sweep on a Ray cluster of two machines, of which one dies."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from custom_modules.studies.ray_cluster import run_on_ray
from custom_modules.studies.running import DONE, OUTPUT, STOPPED
from custom_modules.studies.sweep import build_sweep
from tests.conftest import TINY

pytest.importorskip('ray')

CONFIG = 'configs/sample/unet_sample.py'


def test_ctrl_c_and_a_machine_that_dies(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells that were stopped go on; that of the machine goes on elsewhere; each is tested once."""
    monkeypatch.setenv('RAY_USAGE_STATS_ENABLED', '0')
    from ray.cluster_utils import Cluster

    options = [*TINY, f'data_root={sample}', 'max_epochs=40']
    sweep = build_sweep([CONFIG], seeds='0,1', work_dir=str(tmp_path / 'runs'), options=options)
    cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=0))
    workers = [cluster.add_node(num_cpus=1) for _ in range(2)]
    monkeypatch.setenv('RAY_ADDRESS', cluster.address)

    def run_until(happens: Callable[[], object]) -> list[str]:
        """Run the sweep, to which something happens while a cell trains."""
        begun = {path: path.stat().st_mtime for path in tmp_path.rglob('last.pth')}

        def wait() -> None:
            while not any(
                path.stat().st_mtime > begun.get(path, 0.0) for path in tmp_path.rglob('last.pth')
            ):
                time.sleep(0.05)
            happens()

        thread = Thread(target=wait)
        thread.start()
        progress = run_on_ray(sweep.cells)
        thread.join(timeout=60)
        return [one.state for one in progress]

    try:
        stopped = run_until(lambda: os.kill(os.getpid(), signal.SIGINT))
        assert STOPPED in stopped
        assert set(stopped) <= {STOPPED, DONE}
        states = run_until(lambda: cluster.remove_node(workers[0], allow_graceful=False))
    finally:
        cluster.shutdown()
    assert states == [DONE] * 2
    for cell in sweep.cells:
        assert len(list(cell.folder.glob('2*/metrics.json'))) == 1
        assert len(list(cell.folder.glob('2*/last.pth'))) == 1  # what was begun went on
        assert (cell.folder / OUTPUT).read_text().count('figures: ') == 1
