"""What ``tools/sweep.py`` does."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ..base.errors import UserError
from ..base.paths import make_writable, short_path, workspace
from ..studies.experiments import Experiment, find_budget, find_configs, parse_grid, plan
from ..studies.local import run_locally
from ..studies.pages import save_page
from ..studies.ray_cluster import run_on_ray
from ..studies.results import keep_results, study_results
from ..studies.running import DONE, FAILED, OUTPUT, Progress
from ..studies.search import Search
from ..studies.search_space import parse_space
from ..studies.seeds import best_line, mean_and_range, too_few_images, values_of
from ..studies.slurm_array import array_script, submit_array


@dataclass(frozen=True)
class Sweep:
    """Experiments to run, and what to do with what they find.

    Attributes:
        experiments: experiments to run, as ``plan`` returns them.
        budget: name of the budget; 'own' where the configs' own is taken.
        kept: folder for the results of each study beside those in the work folder; None for none.
    """

    experiments: list[Experiment]
    budget: str
    kept: Path | None

    def describe(self) -> str:
        """Return a line for each experiment: where it lies, and whether it is done."""
        return '\n'.join(
            f'{short_path(experiment.folder)}  {"done" if experiment.results() else "to do"}  '
            f'{experiment.total} {experiment.unit}s  {" ".join(experiment.options)}'
            for experiment in self.experiments
        )

    def check(self) -> None:
        """Make sure that no folder holds runs of another config.

        Raises:
            UserError: a folder holds runs of another config.
        """
        for experiment in self.experiments:
            experiment.check()

    def run(self, jobs: int = 1, executor: str = 'local', cores: int = 1) -> int:
        """Run all experiments; write and print what they found.

        Args:
            jobs: number of experiments that run at a time on this machine.
            executor: where experiments run: 'local' for this machine, or 'ray' for a cluster.
            cores: number of CPU cores for each experiment on a cluster.

        Returns:
            The status for the shell, which is 0, or 1 if an experiment failed, or 130 if the sweep
            was stopped.

        Raises:
            UserError: a folder holds runs of another config, or there are not so many cores.
        """
        self.check()
        return self._end(
            run_on_ray(self.experiments, cores)
            if executor == 'ray'
            else run_locally(self.experiments, jobs)
        )

    def run_only(self, index: int) -> int:
        """Run one experiment here, as a job of a Slurm array does; return ``run``'s status.

        Raises:
            UserError: there is no such experiment, or its folder holds runs of another config.
        """
        if not 0 <= index < len(self.experiments):
            raise UserError(f'--only {index}: use 0 to {len(self.experiments) - 1}')
        return self._end(run_locally([self.experiments[index]]))

    def submit(
        self, arguments: Sequence[str], jobs: int, cores: int, settings: Sequence[str]
    ) -> str:
        """Give the experiments that are not done to Slurm; return what to tell the user.

        Args:
            arguments: arguments of the command ``tools/sweep.py`` that describes this sweep.
            jobs: number of experiments that run at a time.
            cores: number of CPU cores for each experiment.
            settings: ``key=value`` settings for sbatch, such as ``partition=gpu``.

        Raises:
            UserError: Slurm does not take the jobs, or a folder holds runs of another config.
        """
        self.check()
        indices = [
            i for i, experiment in enumerate(self.experiments) if experiment.results() is None
        ]
        if not indices:
            return 'all experiments are done'
        folder = self.experiments[0].folder.parent
        script = array_script(folder, indices, arguments, jobs, cores, settings)
        number = submit_array(folder, script)
        return (
            f'{len(indices)} experiments have the Slurm job id {number}; {short_path(folder)} has '
            'what they print, and the results when they are done'
        )

    def _end(self, progress: Sequence[Progress]) -> int:
        self.write_results()
        print(self.summary(progress))
        states = {one.state for one in progress}
        return 0 if states == {DONE} else 1 if FAILED in states else 130

    def write_results(self) -> list[Path]:
        """Write the results of each study that has any; return the files."""
        written = []
        for study, experiments in self._studies():
            folder = experiments[0].folder.parent
            make_writable(folder, '--work-dir')
            # Jobs of Slurm end side by side: who reads last has to write last.
            with FileLock(folder / '.lock'):
                found = study_results(experiments, self.budget)
                if found['rows']:
                    paths = [folder / 'results.json']
                    paths += [self.kept / f'{study}.json'] if self.kept else []
                    for path in paths:
                        keep_results(found, path)
                    save_page(found, folder)
                    written += paths
        return written

    def summary(self, progress: Sequence[Progress]) -> str:
        """Return what each study found, and what went wrong, as the lines a person reads."""
        lines = []
        for study, experiments in self._studies():
            found = study_results(experiments, self.budget)
            lines.append(f'{study}: {found["question"]}')
            for row in found['rows']:
                low, high = row['interval'] or (float('nan'), float('nan'))
                line = f'  {row["experiment"]:32} Dice {row["metrics"]["Dice"]:.4f}'
                line += f' ({low:.4f} to {high:.4f})'
                if row['difference'] and 'Dice' in row['difference']:
                    line += f'  {row["difference"]["Dice"]:+.4f} {row["difference"]["verdict"]}'
                lines.append(line.rstrip())
            values = values_of(found['rows'])
            for value in values:
                if len(value.rows) > 1:
                    line = f'  {value.name:32} Dice {mean_and_range(value.test_dice)}, the mean of '
                    lines.append(line + f'{len(value.rows)} seeds')
            lines += [f'  {line}' for value in values if (line := too_few_images(value))]
            lines += [f'  {best}'] if (best := best_line(values)) else []
            if values:
                lines.append(f'  page: {short_path(experiments[0].folder.parent / "results.md")}')
        lines += failures(progress)
        done = sum(one.state == DONE for one in progress)
        lines.append(f'{done} of {len(progress)} experiments done')
        if done < len(progress):
            lines[-1] += '; the same command goes on'
        return '\n'.join(lines)

    def _studies(self) -> Iterator[tuple[str, list[Experiment]]]:
        for study, experiments in itertools.groupby(
            self.experiments, lambda experiment: experiment.study
        ):
            yield study, list(experiments)


def failures(progress: Sequence[Progress]) -> list[str]:
    """Return two lines for each experiment that failed: why, and where its output is."""
    lines = []
    for one in progress:
        if one.state == FAILED:
            lines.append(f'failed: {one.experiment.study}/{one.experiment.name}: {one.note}')
            lines.append(f'  see {short_path(one.experiment.folder / OUTPUT)}')
    return lines


def build_sweep(
    configs: Sequence[str],
    grid: Sequence[str] = (),
    seeds: str | None = None,
    budget: str | None = None,
    work_dir: str | None = None,
    results: str | None = None,
    options: Sequence[str] = (),
) -> Sweep:
    """Return the sweep that a command line asks for.

    Args:
        configs: config files, and folders of configs.
        grid: settings to combine, each ``key=v1,v2``.
        seeds: seeds to train with, whole numbers with commas between them, such as '0,1,2'; None
            for the config's own.
        budget: name in ``configs/studies/budget``, or a config file, that says how long to train;
            None for the configs' own.
        work_dir: folder of the runs; None for ``work_dirs/studies``.
        results: folder that keeps what each study found; None for none.
        options: ``key=value`` settings that all experiments get, as after ``--cfg-options``.

    Raises:
        UserError: an argument is wrong, or a config does not load.
    """
    name, file, folder = _budget_and_folder(budget, work_dir)
    experiments = plan(
        find_configs(configs), folder / name, parse_grid(grid), _seeds(seeds), file, options
    )
    return Sweep(experiments, name, Path(results).resolve() if results else None)


def build_search(
    configs: Sequence[str],
    space: Sequence[str],
    budget: str | None = None,
    work_dir: str | None = None,
    options: Sequence[str] = (),
) -> Search:
    """Return the search that a command line asks for.

    Args:
        configs: config to search around: one file.
        space: settings to vary, each ``key=low..high``, ``key=low..high:log`` or ``key=a,b``.
        budget: name in ``configs/studies/budget``, or a config file, that says how long to train;
            None for the config's own.
        work_dir: folder of the runs; None for ``work_dirs/studies``.
        options: ``key=value`` settings that all trials get, as after ``--cfg-options``.

    Raises:
        UserError: an argument is wrong, or the config does not load.
    """
    found = find_configs(configs)
    if len(found) > 1:
        raise UserError(f'--search looks at one config, not at {len(found)}')
    name, file, folder = _budget_and_folder(budget, work_dir)
    return Search(found[0], parse_space(space), folder / name / 'search', file, options)


def _budget_and_folder(budget: str | None, work_dir: str | None) -> tuple[str, Path | None, Path]:
    """Return a budget's name and file, and the folder of the runs."""
    file = find_budget(budget) if budget else None
    folder = Path(work_dir).resolve() if work_dir else workspace() / 'work_dirs' / 'studies'
    return file.stem if file else 'own', file, folder


def _seeds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        seeds = [int(word) for word in text.split(',')]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or len({*seeds}) < len(seeds):
        raise UserError(f'--seeds {text}: write whole numbers such as 0,1,2, each once')
    return seeds
