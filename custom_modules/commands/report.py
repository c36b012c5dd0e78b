"""What ``tools/report.py`` does."""

from collections.abc import Sequence
from pathlib import Path

from ..base.paths import PROJECT_ROOT, workspace
from ..report.page import write_report
from ..report.run_data import read_kept, read_run
from ..runs.named_runs import named_folders


def report_runs(arguments: Sequence[str], out: str | None = None) -> Path:
    """Write a page about runs.

    Args:
        arguments: runs to report: folders, with or without ``LABEL=``, see ``named_folders``.
        out: page to write (.html); None for ``report.html`` in the first run's folder.

    Returns:
        Path of the page.

    Raises:
        UserError: a run is missing or damaged, or runs were tested on different pixels.
    """
    folders = named_folders(arguments)
    page = Path(out) if out else folders[0][1] / 'report.html'
    write_report([read_run(label, folder) for label, folder in folders], page)
    return page


def report_results(out: str | None = None, results: Path | None = None) -> list[Path]:
    """Write a page for each run whose results are kept, as far as its files are.

    Args:
        out: folder for the pages; None for ``work_dirs/reports``.
        results: folder of the kept results; None for the project's ``results``.

    Returns:
        Paths of the pages, one for each ``<run>/metrics.json``, then one for each file of
        ``reports/<budget>/``.

    Raises:
        UserError: a file is damaged, or the folder cannot be written.
    """
    results = results or PROJECT_ROOT / 'results'
    folder = Path(out) if out else workspace() / 'work_dirs' / 'reports'
    pages = []
    for path in sorted(results.glob('*/metrics.json')):
        run = read_run(path.parent.name, path.parent)
        pages.append((folder / f'{run.label}.html', run))
    for path in sorted(results.glob('reports/*/*.json')):
        pages.append((folder / path.parent.name / f'{path.stem}.html', read_kept(path)))
    for page, run in pages:
        write_report([run], page)
    return [page for page, _ in pages]
