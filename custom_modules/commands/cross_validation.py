"""What ``tools/sweep.py --folds`` does."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import UserError
from ..base.paths import short_path
from ..base.shell import shell_command
from ..base.whole_file import whole_file
from ..evaluation.images_needed import describe_needed
from ..runs.comparison import compare
from ..runs.cross_validation import OUT_OF_FOLD
from ..runs.scored_run import ScoredRun, read_scored
from ..studies.folds import CrossValidation, plan_folds
from ..studies.out_of_fold import gather
from ..studies.running import DONE, Progress
from .sweep import Sweep, build_sweep, failures

#: What the sweep prints of a cross-validation, beside its results.
SUMMARY = 'summary.txt'


@dataclass(frozen=True)
class FoldSweep(Sweep):
    """A sweep whose experiments are the folds of cross-validations.

    Attributes:
        validations: cross-validations whose folds are run.
    """

    validations: tuple[CrossValidation, ...] = ()

    def check(self) -> None:
        """Make sure that the folders hold runs of these configs and images; note the folds.

        Raises:
            UserError: a folder holds runs of another config or of other images.
        """
        super().check()
        for validation in self.validations:
            validation.check()
        for validation in self.validations:
            validation.mark()

    def write_results(self) -> list[Path]:
        """Write what each cross-validation found whose folds are done; return the folders."""
        folders = [gather(validation) for validation in self.validations]
        for validation, lines in self._found():
            with whole_file(validation.folder / OUT_OF_FOLD / SUMMARY) as file:
                file.write('\n'.join(lines) + '\n')
        return [folder for folder in folders if folder is not None]

    def summary(self, progress: Sequence[Progress]) -> str:
        """Return what each cross-validation found, and what went wrong."""
        lines = []
        for study, found in itertools.groupby(self._found(), lambda one: one[0].whole.study):
            lines.append(study)
            lines += [f'  {line}' for _, described in found for line in described]
        lines += failures(progress)
        done = sum(one.state == DONE for one in progress)
        lines.append(f'{done} of {len(progress)} folds done')
        if done < len(progress):
            lines[-1] += '; the same command goes on'
        return '\n'.join(lines)

    def _found(self) -> Iterator[tuple[CrossValidation, list[str]]]:
        """Yield the cross-validations that are done, and what they found, in lines."""
        first: dict[str, ScoredRun] = {}
        for validation in self.validations:
            if any(fold.results() is None for fold in validation.folds):
                continue
            scored = read_scored(validation.whole.name, validation.folder)
            base = first.setdefault(validation.whole.study, scored)
            compared = [] if base is scored else _compared(base, scored)
            yield validation, [*_described(validation, scored), *compared]


def build_fold_sweep(
    configs: Sequence[str],
    folds: int,
    grid: Sequence[str] = (),
    seeds: str | None = None,
    budget: str | None = None,
    work_dir: str | None = None,
    options: Sequence[str] = (),
) -> FoldSweep:
    """Return the cross-validations that a command line asks for: one of each experiment.

    Args:
        configs: config files, and folders of configs.
        folds: number of folds.
        grid: settings to combine, each ``key=v1,v2``; see ``build_sweep`` for the others.
        seeds: seeds to train with.
        budget: name or file of the budget.
        work_dir: folder of the runs.
        options: ``key=value`` settings that all experiments get.

    Raises:
        UserError: an argument is wrong, a config does not load, or its images cannot be divided.
    """
    if folds < 2:
        raise UserError(f'--folds {folds}: use 2 or more, such as 5')
    sweep = build_sweep(configs, grid, seeds, budget, work_dir, None, options)
    validations = tuple(plan_folds(experiment, folds) for experiment in sweep.experiments)
    experiments = [fold for validation in validations for fold in validation.folds]
    return FoldSweep(experiments, sweep.budget, None, validations)


def _described(validation: CrossValidation, scored: ScoredRun) -> list[str]:
    metrics = scored.metrics
    low, high = metrics['intervals']['Dice']
    by_fold = metrics['breakdowns']['fold']
    drawn = metrics['interval_method'].partition(' over ')[2].partition(',')[0]
    lines = [
        f'{scored.label}: Dice {metrics["Dice"]:.4f} ({low:.4f} to {high:.4f}, 95 % over {drawn}) '
        f'on {metrics["num_images"]:,} images, each by the network that did not train on it',
        '  '
        + '  '.join(f'fold {fold} {by_fold[fold]["Dice"]:.4f}' for fold in sorted(by_fold, key=int))
        + '  (weights of the last epoch)',
    ]
    if watchers := metrics.get('watched_by'):
        lines.append(
            f'  warning: {" and ".join(watchers)} watched the images that were held out, so the '
            'metrics are a little too good'
        )
    curve = metrics.get('validation', {})
    if curve and curve['best_threshold'] != metrics['threshold']:
        lines.append(
            f'  threshold {curve["best_threshold"]:g} would give {curve["best_Dice"]:.4f}: '
            'publish with --tune-threshold'
        )
    folder = validation.folder
    publish = shell_command('publish', short_path(folder / 'config.py'), short_path(folder), 'NAME')
    return [
        *lines,
        f'  every image: {short_path(folder / OUT_OF_FOLD / "per_image.csv")}',
        f'  the {len(validation.folds)} networks as one: {publish}',
    ]


def _compared(first: ScoredRun, second: ScoredRun) -> list[str]:
    """Return how a cross-validation compares with the first one of its config."""
    try:
        found = compare(first, second)
    except UserError as error:  # such as another ground truth
        return [f'  not compared: {error}']
    dice = found.metrics[0]
    line = f'  {dice.second - dice.first:+.4f} ({dice.low:+.4f} to {dice.high:+.4f})'
    warning = 'warning: ' if found.needed.too_few else ''
    return [
        f'{line} {dice.verdict or "no difference to tell from chance"}, against {first.label}',
        f'  {warning}{describe_needed(found.needed)}',
    ]
