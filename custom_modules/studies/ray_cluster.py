"""The experiments of a sweep on a Ray cluster, which shares one folder with this machine."""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from ..base.errors import UserError
from .experiments import Experiment
from .local import stop_on_signals
from .running import (
    FAILED,
    OUTPUT,
    STOPPED,
    TRAINING,
    WAITING,
    Progress,
    Stop,
    run_experiment_or_say_why,
)
from .watching import watch

#: An experiment that loses its machine so often is given up.
LOST_MACHINES = 3

#: Seconds between two looks at whether an experiment has been told to end.
_PERIOD = 0.2


def run_on_ray(experiments: Sequence[Experiment], cores: int = 1) -> list[Progress]:
    """Run experiments as tasks of Ray until all are done, failed or stopped; show a live table.

    The cluster is the one that ``RAY_ADDRESS`` names or that runs on this machine; without one,
    this machine alone. Where a machine or a worker dies, Ray runs its experiments elsewhere, and
    they go on from their last checkpoint. An experiment has one GPU if the cluster has GPUs.

    Args:
        experiments: experiments, as ``plan`` returns them; their folders must be the same on all
            machines, and so must the project's.
        cores: number of cores for each experiment.

    Raises:
        UserError: Ray is missing, cannot be reached, or no machine has so many cores.
    """
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')  # it would report to its makers
    os.environ.setdefault('RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO', '0')  # the default from Ray 3 on
    try:
        import ray
    except ImportError:
        raise UserError(
            '--executor ray needs Ray: pip install -r requirements-studies.txt'
        ) from None
    try:
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(f'--executor ray: there is no such cluster ({error})') from None
    try:
        machines = [node['Resources'] for node in ray.nodes() if node['Alive']]
        most = int(max(resources.get('CPU', 0) for resources in machines))
        if not 1 <= cores <= most:
            raise UserError(f'--cores {cores}: use 1 to {most}, the cores of a machine')
        gpus = 1 if any(resources.get('GPU', 0) for resources in machines) else 0
        task = ray.remote(_run).options(
            num_cpus=cores, num_gpus=gpus, max_retries=LOST_MACHINES, retry_exceptions=False
        )
        progress = [Progress(experiment) for experiment in experiments]
        tasks = _Tasks(ray, {task.remote(one.experiment, cores): one for one in progress})
        with stop_on_signals() as stop:
            watch(progress, lambda: tasks.go_on(stop))
        return progress
    finally:
        ray.shutdown()


class _Tasks:
    """The tasks of Ray that are not over, and the experiments they run.

    Args:
        ray: module ``ray``.
        running: task of Ray -> experiment that it runs.
    """

    def __init__(self, ray: Any, running: dict[Any, Progress]) -> None:
        self.ray = ray
        self.running = running
        self.began = time.time()
        self.told = 0

    def go_on(self, stop: Stop) -> bool:
        """Note what the tasks do, tell them of a stop; return whether one is not over."""
        ray = self.ray
        if stop.asked > self.told:
            self.told = stop.asked
            for task in self.running:
                ray.cancel(task, force=self.told > 1)
        over, _ = ray.wait(list(self.running), num_returns=len(self.running), timeout=0)
        for task in over:
            one = self.running.pop(task)
            try:
                one.state, one.note = ray.get(task)
            except ray.exceptions.TaskCancelledError:
                one.state = STOPPED
            except ray.exceptions.RayError as error:
                one.state, one.note = FAILED, str(error).strip().splitlines()[0]
        for one in self.running.values():
            one.state = TRAINING if _has_said(one.experiment, self.began) else WAITING
        return bool(self.running)


def _has_said(experiment: Experiment, since: float) -> bool:
    """Return whether the experiment's output has grown since then."""
    output = experiment.folder / OUTPUT
    return output.is_file() and output.stat().st_mtime > since


def _run(experiment: Experiment, cores: int) -> tuple[str, str]:
    """Run an experiment in a worker of Ray; return its state and why it failed.

    A cancelled task gets a KeyboardInterrupt in its main thread. The experiment runs in another
    one, so that it can save its state.
    """
    progress, stop, over = Progress(experiment), Stop(), threading.Event()

    def work() -> None:
        run_experiment_or_say_why(progress, stop, dict(OMP_NUM_THREADS=str(cores)))
        over.set()

    threading.Thread(target=work).start()
    while not over.is_set():
        try:
            over.wait(_PERIOD)  # after an interrupted join Python 3.11 takes a thread for dead
        except KeyboardInterrupt:
            stop.ask()
    return progress.state, progress.note
