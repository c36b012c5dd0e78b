"""Training, test and report from Python: what ``petseg.train`` and its companions do.

Examples:
    >>> import petseg
    >>> petseg.draw_sample()
    >>> run = petseg.train('configs/sample/unet_sample.py', options=['max_epochs=4'])
    >>> metrics = petseg.test(run / 'config.py', run / 'best.pth', run / 'test')
    >>> page = petseg.report([run / 'test'])

A run, its files and its messages are those of the tools. A mistake is a ``UserError`` with the
line that a tool prints. In a script that starts workers on Windows or macOS the calls stand below
``if __name__ == '__main__':``, as with every data loader of PyTorch; a notebook needs no such line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..base.paths import resolve_path
from ..config import load_config
from ..runs.named_model import is_published, named_model, results_folder
from . import prepare_data
from . import test as testing
from . import train as training
from .report import report_runs


def draw_sample(root: str | Path = 'data/sample') -> Path:
    """Draw the sample data set, 324 images of the size of a stamp, if it is not there yet.

    Args:
        root: folder of the data set, relative to the project or, installed, to the working
            directory.

    Returns:
        Path of the folder.

    Raises:
        UserError: other data is there, or the folder cannot be written.
    """
    folder = resolve_path(root)
    if not (folder / 'sample.json').is_file():
        prepare_data.draw(folder)
    return folder


def train(
    config: str | Path,
    work_dir: str | Path | None = None,
    *,
    options: Sequence[str] = (),
    resume: str | Path | None = None,
    allow_changes: bool = False,
) -> Path:
    """Train the model of a config, as ``tools/train.py``; an interrupt stops at the next step.

    Args:
        config: path of a config file, relative to the working directory or to the project.
        work_dir: folder of the config's runs; None for ``work_dirs/<config name>``.
        options: ``key=value`` strings that change the config, such as 'batch_size=8'.
        resume: folder of a run to go on with; '' for the newest of this config.
        allow_changes: whether a run goes on although network or data are not what they were.

    Returns:
        Path of the run's folder, with ``best.pth``, ``last.pth``, ``config.py``, ``train.log``.

    Raises:
        UserError: a mistake in config, data or arguments.
    """
    return training.train(
        load_config(config, options),
        None if work_dir is None else str(work_dir),
        None if resume is None else str(resume),
        allow_changes=allow_changes,
    )


def test(
    config: str | Path,
    checkpoint: str | Path | None = None,
    out: str | Path | None = None,
    *,
    options: Sequence[str] = (),
    quick: bool = False,
    tta: Sequence[float] | None = None,
    tune_threshold: bool = False,
) -> dict[str, Any]:
    """Score a checkpoint on the test split, as ``tools/test.py``.

    Args:
        config: path of a config file, or of the folder of a published model.
        checkpoint: ``.pth``, ``.safetensors``, ``.onnx`` or ``.xml`` file; None with a published
            model.
        out: folder for metrics, masks and pictures; None writes the metrics beside the checkpoint
            (of a published model into ``work_dirs/<its name>``, with masks and pictures).
        options: ``key=value`` strings that change the config, such as 'border=ignore'.
        quick: whether boundaries, calibration, validation images and latency are left out.
        tta: scales of test-time augmentation, such as [1.0]; None for none.
        tune_threshold: whether the threshold is chosen on the validation images and kept.

    Returns:
        The metrics with their protocol, as in ``metrics.json``: ['Dice'] is the mean over images.

    Raises:
        UserError: a mistake in config, checkpoint, data or arguments.
    """
    path, weights, _ = named_model([config] if checkpoint is None else [config, checkpoint])
    folder = results_folder(weights) if out is None else Path(out)
    result = testing.test(
        load_config(path, options),
        str(weights),
        str(folder) if out is not None or is_published(path) else None,
        quick=quick,
        tta=tta,
        tune=tune_threshold,
        use_tuned=not any(option.startswith('model.threshold=') for option in options),
    )
    return result or {}


def report(runs: str | Path | Sequence[str | Path], out: str | Path | None = None) -> Path:
    """Write one HTML page about tested runs, as ``tools/report.py``.

    Args:
        runs: folder of a run or of a test, or several, of which the first is compared with each of
            the others; 'LABEL=FOLDER' names one.
        out: page to write (.html); None for ``report.html`` in the first folder.

    Returns:
        Path of the page.

    Raises:
        UserError: a run is missing or damaged, or runs were tested on different pixels.
    """
    named = [runs] if isinstance(runs, (str, Path)) else runs
    return report_runs([str(one) for one in named], None if out is None else str(out))
