"""What ``tools/audit_labels.py`` does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit.findings import Finding, rank, write_list, write_table
from ..audit.judges import find_runs, read_judge
from ..audit.page import Audit, write_page
from ..audit.unseen import Opinion, opinions, unseen_images
from ..base.errors import UserError
from ..base.paths import make_writable, resolve_path, short_path
from ..base.progress import ProgressBar
from ..engine.memory import keep_freed_memory
from ..runs.environment import describe_device

#: The files of an audit in its folder.
PAGE, LIST, TABLE = 'audit.html', 'suspects.txt', 'audit.csv'


@dataclass(frozen=True)
class AuditResult:
    """What an audit found.

    Attributes:
        findings: a finding for each label that was judged, the most suspicious first.
        folder: folder with the page, the list and the table.
        networks: number of networks that judged.
        learned: number of images that were left out because all networks trained on them.
    """

    findings: list[Finding]
    folder: Path
    networks: int
    learned: int


def audit_labels(
    named: str,
    out: str | None = None,
    splits: Sequence[str] = ('val', 'test'),
    number: int = 50,
    options: Sequence[str] = (),
    own_parts: bool = False,
) -> AuditResult:
    """Rank labels by how little they agree with networks that did not train on them.

    Args:
        named: folder of a run, the folder above for its latest, or the folder of a sweep, whose
            runs judge together.
        out: folder for the results; None for ``audit`` in the named one.
        splits: splits whose labels are judged, as far as a network did not train on them.
        number: number of labels on the page and in the list, 1 or more.
        options: ``key=value`` texts that change the configs of the runs, such as ``data_root=...``.
        own_parts: whether the runs' ``config.py`` is executed, for parts of one's own.

    Raises:
        UserError: a run, its data or its weights are missing or do not fit each other, the networks
            trained on all the images, or the results cannot be written.
    """
    if number < 1:
        raise UserError(f'--number {number}: use 1 or more')
    folder = Path(out) if out else resolve_path(named) / 'audit'
    keep_freed_memory()
    judges = [read_judge(run, options, own_parts) for run in find_runs(named)]
    images, learned = unseen_images(judges, splits)
    make_writable(folder, '--out')
    print(describe_device(judges[0].dtype), flush=True)
    loader = judges[0].config.test_dataloader
    size, workers = loader.get('batch_size', 8), loader.get('num_workers', 0)
    with ProgressBar('judging', len(images)) as bar:

        def watched() -> Iterator[Opinion]:
            for opinion in opinions(judges, images, size, workers):
                yield opinion
                bar.advance()

        findings = rank(watched())
    chosen = findings[:number]
    again = opinions(judges, [one.image for one in chosen], size, 0)
    said = {id(opinion.image): opinion for opinion in again}
    notes = [f'{learned:,} images that were trained on are left out.'] if learned else []
    audit = Audit(short_path(resolve_path(named)), len(judges), len(images), notes)
    shown = [(one, said[id(one.image)]) for one in chosen]
    write_page(audit, shown, LIST, folder / PAGE)
    write_list(chosen, folder / LIST)
    write_table(findings, folder / TABLE)
    return AuditResult(findings, folder, len(judges), learned)
