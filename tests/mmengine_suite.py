"""MMEngine's own tests of runner, hooks and checkpoints with ours in place of its Runner.

``make mmengine`` fetches the source of the installed release, which holds them, runs them twice,
and writes which differ into docs/from-mmsegmentation.md.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from docs.generate.results_table import with_table
from tests.conftest import ROOT

PAGE = ROOT / 'docs' / 'from-mmsegmentation.md'
BEGIN = '<!-- made by python -m tests.mmengine_suite -->'
END = '<!-- end of what is made -->'
SUITE = ('tests/test_runner', 'tests/test_hooks')

_ONE_MORE = 'a training has one hook more, which stops at a loss of NaN'
_NO_STATE = "MMEngine's checkpoints give weights, but lack the state of a resume"

#: Test -> why it is right that it fails here.
DIFFERENCES = {
    'test_build_dataloader': "every data set is wrapped, so that an image's random numbers are of "
    'its seed and not of the number of workers',
    'test_custom_hooks': _ONE_MORE,
    'test_register_hooks': _ONE_MORE,
    'test_get_hooks_info': _ONE_MORE,
    'test_dump_config': 'the tools write config.py, in the form that can be loaded again',
    'test_train': 'several optimizers (OptimWrapperDict) are refused',
    'test_checkpoint': _NO_STATE,
    'test_with_runner_0_iter': _NO_STATE,
    'test_with_runner_1_epoch': _NO_STATE,
    'test_checkpoint_loader': 'addresses are refused, not fetched',
    'TestEMAHook::test_with_runner': 'weights of another model are refused, not left out',
}

#: A plugin of pytest that puts our runner where MMEngine's is asked for.
SWAP = """
import sys
sys.path.insert(0, {root!r})
import mmengine.runner, mmengine.runner.runner, mmengine.testing.runner_test_case
from mmengine.registry import RUNNERS
from custom_modules.engine import PetSegRunner

for module in (mmengine.runner, mmengine.runner.runner, mmengine.testing.runner_test_case):
    module.Runner = PetSegRunner
RUNNERS.register_module(name='Runner', module=PetSegRunner, force=True)
"""


def fetch(folder: Path) -> Path:
    """Return the folder of the installed release's source, below ``folder``."""
    release = f'onedl-mmengine=={importlib.metadata.version("onedl-mmengine")}'
    pip = [sys.executable, '-m', 'pip', '-q', '--disable-pip-version-check']
    words = ['download', '--no-deps', '--no-binary', ':all:', release, '-d', str(folder)]
    subprocess.run([*pip, *words], check=True)
    subprocess.run([*pip, 'install', 'parameterized', '--target', str(folder / 'site')], check=True)
    (archive,) = folder.glob('*.tar.gz')
    with tarfile.open(archive) as file:
        file.extractall(folder, filter='data')
    source = folder / archive.name.removesuffix('.tar.gz')
    (source / 'mmengine').rename(folder / 'not_imported')  # the installed one is tested
    return source


def run(source: Path, folder: Path, ours: bool) -> tuple[set[str], int]:
    """Run the suite; return the names of the tests that fail, and how many passed."""
    (folder / 'swap.py').write_text(SWAP.format(root=str(ROOT)))
    failed: set[str] = set()
    passed = 0
    for part in SUITE:  # in one process they would register classes of one name
        words = ['-q', '-p', 'no:cacheprovider', '--import-mode=importlib', part]
        done = subprocess.run(
            [sys.executable, '-m', 'pytest', *(['-p', 'swap'] if ours else []), *words],
            cwd=source,
            env={**os.environ, 'PYTHONPATH': f'{folder}{os.pathsep}{folder / "site"}'},
            capture_output=True,
            text=True,
        )
        found = re.search(r'(\d+) passed', done.stdout)
        if found is None:
            raise SystemExit(done.stdout + done.stderr)
        failed |= set(re.findall(r'^(?:FAILED|ERROR) \S+?\.py::(\S+)', done.stdout, re.M))
        passed += int(found[1])
    return failed, passed


def reason_of(test: str) -> str | None:
    """Return why it is right that a test fails; None where it is not."""
    parts = test.split('::')
    return next(
        (DIFFERENCES[k] for k in ('::'.join(parts[-2:]), parts[-1]) if k in DIFFERENCES), None
    )


def table(stock: tuple[set[str], int], ours: tuple[set[str], int]) -> str:
    """Return what differs, as Markdown."""
    reasons: dict[str, list[str]] = {}
    for test in sorted(ours[0] - stock[0]):
        reasons.setdefault(reason_of(test) or '**a fault**', []).append(test.split('::')[-1])
    version = importlib.metadata.version('onedl-mmengine')
    lines = [
        f'Of the tests of runner, hooks and checkpoints that MMEngine {version} brings, '
        f'{stock[1]} pass with its own runner and {ours[1]} with ours; {len(stock[0])} fail with '
        'both, for lack of a package or a GPU. The others that fail here (`make mmengine`):',
        '',
        '| tests | because |',
        '|---|---|',
        *(
            f'| {", ".join(f"`{one}`" for one in tests)} | {why} |'
            for why, tests in reasons.items()
        ),
    ]
    return '\n'.join(lines)


def main() -> None:
    """Run both, write the table, and fail where a test fails for no known reason."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = fetch(folder)
        stock, ours = run(source, folder, ours=False), run(source, folder, ours=True)
    text = PAGE.read_text(encoding='utf-8')
    PAGE.write_text(with_table(text, table(stock, ours), BEGIN, END), encoding='utf-8')
    faults = [test for test in sorted(ours[0] - stock[0]) if reason_of(test) is None]
    if faults:
        raise SystemExit(f'fail with our runner for no known reason: {", ".join(faults)}')


if __name__ == '__main__':
    main()
