"""The runs that a command line names."""

from collections.abc import Sequence
from pathlib import Path

from ..base.errors import UserError, did_you_mean
from ..base.paths import LATEST, follow_latest, resolve_path


def named_folders(arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """Return the label and the folder of each run.

    Args:
        arguments: words of a command line: each a run's folder, the folder above with its
            ``latest``, or ``LABEL=`` and one of them. Without a label a run is called as its
            config, that is the folder above; where that is not enough, with the run's own name. A
            folder that no training made, such as an ``--out`` of a test, is called by its own name.

    Raises:
        UserError: a folder is missing, its ``latest`` leads out of it, or two runs have one label.
    """
    named = []
    for argument in arguments:
        label, equals, path = argument.partition('=')
        if not equals or resolve_path(argument).is_dir():
            label, path = '', argument
        named.append((label, _run_folder(path)))
    names = [_name(folder) for label, folder in named if not label]
    runs = []
    for label, folder in named:
        name = _name(folder)
        automatic = name if names.count(name) == 1 else f'{folder.parent.name}/{folder.name}'
        runs.append((label or automatic, folder))
    labels = [label for label, _ in runs]
    for label in labels:
        if labels.count(label) > 1:
            raise UserError(f'two runs are called {label!r}; name them with LABEL=RUN')
    return runs


def _name(folder: Path) -> str:
    return folder.parent.name if (folder / 'vis_data').is_dir() else folder.name


def _run_folder(named: str) -> Path:
    folder = resolve_path(named)
    if not folder.is_dir():
        above = Path(named).parent
        beside = above.iterdir() if above.is_dir() else ()
        near = did_you_mean(folder.name, [path.name for path in beside])
        raise UserError(f'{named}: there is no such folder{near or "; runs are in work_dirs/"}')
    latest = follow_latest(folder / LATEST)
    if not (folder / 'vis_data').is_dir() and latest.is_dir():
        run = latest.resolve()
        if run.parent != folder.resolve():
            raise UserError(f'{folder / "latest"}: leads out of the folder, to {run}; name a run')
        return run
    return folder.resolve()
