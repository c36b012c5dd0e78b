"""What ``tools/train.py`` does."""

import shutil
from pathlib import Path

from mmengine.dist import is_main_process

from ..base.device import device_of
from ..base.errors import UserError
from ..base.paths import LATEST, follow_latest, make_writable, resolve_path, workspace
from ..base.whole_file import remove_parts
from ..config import LoadedConfig, own_copy
from ..config.written import CODE, DATA, origin, write_config
from ..distributed.process_group import join_processes, launch_id
from ..engine.memory import keep_freed_memory
from ..engine.runner import PetSegRunner
from ..engine.training_check import check_training
from ..runs.resume_check import check_resume
from ..runs.run_folder import LAST, find_launch, find_newest, find_run, mark_launch


def default_work_dir(config: LoadedConfig) -> Path:
    """Return the folder of a config's runs, where nobody names one.

    That is the ``work_dir`` of the config; of a run's own ``config.py`` where that run lies; else
    ``work_dirs/<config name>`` of the project.
    """
    if config.resolved.get('work_dir'):
        return resolve_path(config.resolved.work_dir)
    path = config.path
    if path.name == CODE and (path.parent / DATA).is_file():
        return path.resolve().parent.parent
    return workspace() / 'work_dirs' / path.stem


def train(
    config: LoadedConfig,
    work_dir: str | None = None,
    resume: str | None = None,
    launcher: str = 'none',
    allow_changes: bool = False,
) -> Path:
    """Train what the config says.

    Args:
        config: loaded config of the training, which is also written into the run's folder.
        work_dir: folder of the config's runs; None for ``work_dirs/<config name>``.
        resume: run to go on with: its folder, or '' for the newest run of this config (a new one
            where there is none yet); None starts a new run.
        launcher: what started the processes: 'none' (there is one), 'pytorch' (torchrun) or 'slurm'
            (srun).
        allow_changes: whether a run is resumed even if the network, the split or the steps of an
            epoch differ.

    Returns:
        Path of the run's folder, with ``best.pth``, ``last.pth``, ``config.py``, ``train.log``.

    Raises:
        UserError: a mistake in config, data or arguments.
    """
    settings = own_copy(config.resolved)
    settings.work_dir = str(Path(work_dir) if work_dir else default_work_dir(config))
    settings.launcher = launcher
    check_training(config.resolved)
    device_of(settings)
    keep_freed_memory()
    join_processes(launcher, **settings.get('env_cfg', {}).get('dist_cfg', {}))
    run = _run_to_resume(config, Path(settings.work_dir), resume)
    launch = launch_id(launcher)
    if launch:
        # The launcher started the processes again: go on where this launch was.
        run = find_launch(Path(settings.work_dir), launch) or run
    if run is not None:
        check_resume(run, config, allow_changes)
        settings.allow_changes = allow_changes
        settings.work_dir, settings.run_name = str(run.parent), run.name
        settings.load_from = str(run / LAST)
    settings.resume = run is not None
    make_writable(Path(settings.work_dir), '--work-dir')
    for key in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        settings.pop(key, None)
    try:
        runner = PetSegRunner.from_cfg(settings)
        if is_main_process():
            remove_parts(Path(runner.log_dir))
            write_config(Path(runner.log_dir), config)
            if launch:
                mark_launch(Path(runner.log_dir), launch)
        runner.train()
    except BaseException as error:
        _discard_if_not_begun(PetSegRunner.created)
        if isinstance(error, ImportError):
            raise UserError(
                f'a part of the config needs a package that is not installed ({error}); for '
                'vis_backends: pip install -r requirements-tracking.txt'
            ) from None
        raise
    return Path(runner.log_dir)


def _run_to_resume(config: LoadedConfig, work_dir: Path, resume: str | None) -> Path | None:
    """Return the run to go on with; None starts a new one."""
    if resume is None and config.resolved.get('resume'):  # as MMEngine's users write it
        resume = config.resolved.get('load_from') or ''
    if resume is None:
        return None
    if resume:
        return find_run(work_dir, resume)
    newest = find_newest(work_dir, origin(config.path))
    if newest is None and is_main_process():
        print(f'no run in {work_dir} to go on with: a new one starts', flush=True)
    return newest


def _discard_if_not_begun(folder: Path | None) -> None:
    """Remove the folder of a run that failed before its first step, such as for want of data."""
    if folder is None or not is_main_process():
        return
    newest = follow_latest(folder.parent / LATEST)  # which the first step points there
    if newest.resolve() != folder:
        shutil.rmtree(folder, ignore_errors=True)
