"""What ``tools/prepare_data.py`` does."""

from collections import Counter
from pathlib import Path

from ..base.errors import UserError
from ..base.paths import make_writable
from ..base.progress import ProgressBar
from ..datasets.archives import extract, refuse_unusable
from ..datasets.download import download, md5_of
from ..datasets.oxford.archives import ARCHIVES, OFFICIAL_MD5, OFFICIAL_URL, belongs, edition
from ..datasets.oxford.check import Finding, check_oxford_pet
from ..datasets.synthetic_dataset import draw_sample

#: Findings that are printed; the rest is counted.
SHOWN = 40


def download_archives(
    root: Path, url: str | None = None, md5: dict[str, str] | None = None
) -> None:
    """Fetch the archives into ``root/archives`` and unpack them.

    Args:
        root: folder of the data set.
        url: address of the folder with the archives on a server; None for the official one.
        md5: name of an archive -> MD5 that it must have, as hexadecimal digits; None for the
            official ones.

    Raises:
        UserError: an archive cannot be fetched or unpacked, see ``download`` and ``extract``, or
            ``root`` cannot be written or holds other data.
    """
    _refuse_other_data(root)
    folder = root / 'archives'
    make_writable(folder, '--root')
    for name in ARCHIVES:
        wanted = (md5 or OFFICIAL_MD5)[name]
        target = folder / name
        if target.is_file() and md5_of(target) == wanted:
            print(f'{target}: already here')
            continue
        address = f'{(url or OFFICIAL_URL).rstrip("/")}/{name}'
        with ProgressBar(f'{name} (MB)', 0) as bar:

            def show(done: int, total: int, bar: ProgressBar = bar) -> None:
                bar.set(done // 1_000_000, total // 1_000_000)

            download(address, target, wanted, show)
        print(f'{target}: fetched, MD5 {wanted}')
    unpack_archives(root, folder)


def unpack_archives(root: Path, folder: Path) -> None:
    """Unpack ``images.tar.gz`` and ``annotations.tar.gz`` of ``folder`` into ``root``.

    Raises:
        UserError: an archive is missing or damaged, or ``root`` cannot be written or holds other
            data.
    """
    _refuse_other_data(root)
    missing = [name for name in ARCHIVES if not (folder / name).is_file()]
    if missing:
        raise UserError(f'{folder}: {" and ".join(missing)} not found in it')
    make_writable(root, '--root')
    for name in ARCHIVES:
        refuse_unusable(folder / name)
        known = edition(name, md5_of(folder / name))
        print(f'{name}: {known or "of no known edition; the check below decides"}', flush=True)
        print(f'    {extract(folder / name, root, belongs):,} files unpacked', flush=True)
    (root / 'sample.json').unlink(missing_ok=True)


def draw(root: Path) -> None:
    """Draw the sample data set below ``root``.

    Raises:
        UserError: another data set is there, or ``root`` cannot be written.
    """
    _refuse_other_data(root)
    there = (root / 'annotations').exists() or (root / 'images').exists()
    if there and not (root / 'sample.json').exists():
        raise UserError(f'{root}: holds another data set; choose an empty folder with --root')
    make_writable(root, '--root')
    with ProgressBar('drawing', 0) as bar:
        draw_sample(root, bar.set)


def _refuse_other_data(root: Path) -> None:
    """Keep the images of somebody's own data set, which has ``masks`` beside them."""
    if (root / 'masks').exists():
        raise UserError(
            f'{root}: holds images and masks that would be replaced; choose an empty folder with '
            '--root'
        )


def check(root: Path) -> None:
    """Check the data set and print what was found.

    Raises:
        UserError: there are faults; each was printed with file, kind and remedy.
    """
    if not (root / 'annotations').is_dir():
        raise UserError(
            f'{root}: no data set there; use --download, --archives DIR or --sample to get one'
        )
    with ProgressBar('checking', 0) as bar:
        report = check_oxford_pet(root, lambda total: bar.set(bar.done + 1, total))
    _print_findings('fault', report.faults)
    _print_findings('note', report.notes)
    if report.faults:
        raise UserError(f'{root}: {len(report.faults)} faults in {report.images:,} listed images')
    shares = ', '.join(f'{name} {share:.1%}' for name, share in report.pixel_shares.items())
    print(f'{root}: {report.images:,} images and trimaps, all in order')
    print(f'pixels: {shares}')


def _print_findings(label: str, findings: list[Finding]) -> None:
    for finding in findings[:SHOWN]:
        print(f'{label}: {finding.file}: {finding.kind}; {finding.remedy}')
    for (kind, remedy), count in Counter((f.kind, f.remedy) for f in findings[SHOWN:]).items():
        print(f'{label}: {count} more: {kind}; {remedy}')
