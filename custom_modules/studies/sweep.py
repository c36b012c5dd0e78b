"""What ``tools/sweep.py`` does."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..paths import PROJECT_ROOT, short_path
from .cells import Cell, find_budget, find_configs, parse_grid, plan
from .local import run_locally
from .results import keep_results, study_results
from .running import DONE, FAILED, OUTPUT, Progress


@dataclass(frozen=True)
class Sweep:
    """Cells to run, and what to do with what they find.

    Attributes:
        cells: of ``plan``.
        budget: name of the budget, 'own' where the configs' own is taken.
        kept: folder for the results of each study beside those in the work folder; None for none.
    """

    cells: list[Cell]
    budget: str
    kept: Path | None

    def describe(self) -> str:
        """Return a line for each cell: where it lies, and whether it is done."""
        return '\n'.join(
            f'{short_path(cell.folder)}  {"done" if cell.results() else "to do"}  '
            f'{cell.epochs} epochs  {" ".join(cell.options)}'
            for cell in self.cells
        )

    def run(self, jobs: int = 1) -> int:
        """Run all cells on this machine; write and print what they found.

        Returns:
            The status for the shell: 0, 1 if a cell failed, 130 if the sweep was stopped.

        Raises:
            UserError: a folder holds runs of another config, or there are too many jobs.
        """
        for cell in self.cells:
            cell.check()
        progress = run_locally(self.cells, jobs)
        self.write_results()
        print(self.summary(progress))
        states = {one.state for one in progress}
        return 0 if states == {DONE} else 1 if FAILED in states else 130

    def write_results(self) -> list[Path]:
        """Write the results of each study that has any; return the files."""
        written = []
        for study, cells in self._studies():
            found = study_results(cells, self.budget)
            if found['rows']:
                paths = [cells[0].folder.parent / 'results.json']
                paths += [self.kept / f'{study}.json'] if self.kept else []
                for path in paths:
                    keep_results(found, path)
                written += paths
        return written

    def summary(self, progress: Sequence[Progress]) -> str:
        """Return what each study found, and what went wrong, as the lines a person reads."""
        lines = []
        for study, cells in self._studies():
            found = study_results(cells, self.budget)
            lines.append(f'{study}: {found["question"]}')
            for row in found['rows']:
                low, high = row['interval'] or (float('nan'), float('nan'))
                line = f'  {row["cell"]:32} Dice {row["figures"]["Dice"]:.4f}'
                line += f' ({low:.4f} to {high:.4f})'
                if row['difference'] and 'Dice' in row['difference']:
                    line += f'  {row["difference"]["Dice"]:+.4f} {row["difference"]["verdict"]}'
                lines.append(line.rstrip())
        for cell, one in zip(self.cells, progress, strict=True):
            if one.state == FAILED:
                lines.append(f'failed: {cell.study}/{cell.name}: {one.note}')
                lines.append(f'  see {short_path(cell.folder / OUTPUT)}')
        done = sum(one.state == DONE for one in progress)
        lines.append(f'{done} of {len(self.cells)} cells done')
        if done < len(self.cells):
            lines[-1] += '; the same command goes on'
        return '\n'.join(lines)

    def _studies(self) -> Iterator[tuple[str, list[Cell]]]:
        for study, cells in itertools.groupby(self.cells, lambda cell: cell.study):
            yield study, list(cells)


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
        configs: files and folders.
        grid: ``key=v1,v2`` each.
        seeds: whole numbers with commas between them.
        budget: a name in ``configs/studies/budget`` or a file; the configs' own if None.
        work_dir: ``work_dirs/studies`` of the project if None.
        results: folder that keeps what each study found.
        options: ``--cfg-options`` of all cells.

    Raises:
        UserError: an argument is wrong, or a config does not load.
    """
    file = find_budget(budget) if budget else None
    name = file.stem if file else 'own'
    folder = Path(work_dir).resolve() if work_dir else PROJECT_ROOT / 'work_dirs' / 'studies'
    cells = plan(
        find_configs(configs), folder / name, parse_grid(grid), _seeds(seeds), file, options
    )
    return Sweep(cells, name, Path(results) if results else None)


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
