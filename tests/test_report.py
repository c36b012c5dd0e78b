"""The page about runs: what is on it, that nothing gets out of it, and what a browser says."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from custom_modules.base.errors import UserError
from custom_modules.commands.report import report_results, report_runs
from custom_modules.commands.test import test as run_test
from custom_modules.config import load_config
from tests.chromium import CHROMIUM, NO_CHROMIUM, cut_without_a_sign, launched
from tests.conftest import ROOT, tiny_options

CONFIG = 'configs/sample/unet_sample.py'

#: A name that would end a quotation, open a tag and start a formula.
HOSTILE = '"><script>alert(1)</script> $x$'


def scalars(run: Path, gain: float) -> None:
    """Write what ScalarsHook would have written in three epochs of four steps."""
    lines = []
    for epoch in (1, 2, 3):
        for step in range(4 * epoch - 3, 4 * epoch + 1):
            rate = {'step/loss': 1 / step, 'step/learning_rate': 0.01 / step}
            lines.append(json.dumps(rate | dict(iter=step, step=step)))
        metrics = {
            'train/loss': 1 / epoch,
            'valid/loss': 1.2 / epoch,
            'valid/dice': gain * epoch,
            'valid/dice_global': gain * epoch,
        }
        lines.append(json.dumps(metrics | dict(epoch=epoch, seconds=2.0, step=epoch)))
    (run / 'vis_data').mkdir(parents=True)
    (run / 'vis_data' / 'scalars.json').write_text('\n'.join(lines))


@pytest.fixture(scope='module')
def runs(sample: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs ``one`` and ``two``, trained and tested, with other thresholds."""
    root = tmp_path_factory.mktemp('runs')
    for name, threshold in (('one', 0.5), ('two', 0.55)):
        run = root / name / '20260101_000000'
        scalars(run, threshold / 2)
        config = load_config(CONFIG, tiny_options(sample, f'model.threshold={threshold}'))
        (run / 'config.py').write_text(config.text)
        run_test(config, str(checkpoint), str(run / 'test'))
        (root / name / 'latest').symlink_to(run.name)
    return root


@pytest.fixture(scope='module')
def single(runs: Path) -> Path:
    return report_runs([str(runs / 'one')], str(runs / 'single.html'))


@pytest.fixture(scope='module')
def double(runs: Path) -> Path:
    """Of a run with a hostile name, breed, metric and config, and another."""
    hostile = shutil.copytree(runs / 'one' / 'latest', runs / 'hostile')
    path = hostile / 'test' / 'metrics.json'
    metrics = json.loads(path.read_text())
    breeds = metrics['breakdowns']['breed']
    breeds[HOSTILE] = breeds.pop(next(iter(breeds)))
    metrics['device'] = metrics['checkpoint'] = HOSTILE
    metrics[HOSTILE], metrics['own_metrics'] = 0.5, {HOSTILE: dict(label=f'{HOSTILE} of mine')}
    path.write_text(json.dumps(metrics))
    with open(hostile / 'config.py', 'a') as file:
        file.write(f'\n# </pre>{HOSTILE}\n')
    arguments = [f'{HOSTILE}={hostile}', str(runs / 'two')]
    return report_runs(arguments, str(runs / 'double.html'))


def test_everything_is_on_the_page(single: Path, runs: Path) -> None:
    page = single.read_text()
    metrics = json.loads((runs / 'one' / 'latest' / 'test' / 'metrics.json').read_text())
    low, high = metrics['intervals']['Dice']
    for text in (
        f'{metrics["Dice"]:.4f}',
        f'{low:.4f} to {high:.4f}',
        'network input 32x32, scored at the input resolution, threshold 0.5',
        'Border policies',
        'What one image costs',
        f'{metrics["cost"]["parameters"]:,}',
        'python tools/train.py',
        f'{metrics["calibration"]["Brier"]:.4f}',
        metrics['device'],
        'model = dict(',
    ):
        assert text in page, text
    titles = re.findall(r'<svg [^>]*aria-label="([^"]*)"', page)
    assert titles == [
        'Species: Dice of each group',
        'The frame of the image: Dice of each group',
        'Size of the foreground in the image: Dice of each group',
        'Breed: Dice of each group',
        'Dice by threshold, on validation',
        'Share of foreground, by probability',
        'loss over the epochs',
        'Dice over the epochs',
        'Dice, all pixels over the epochs',
        'Learning rate',
        'Seconds per step, validation included',
    ]
    # Six images, each once: image, truth, prediction, errors.
    assert page.count('src="data:image/jpeg;base64,') == 4 * 6
    assert len(page) < 1_000_000


def test_two_runs_are_compared(double: Path) -> None:
    page = double.read_text()
    for text in ('id="comparison"', 'Across the ranking', 'Most worsened by two', 'images better'):
        assert text in page, text
    assert re.search(r'6 images are (enough|too few) to believe a difference of', page)
    # Six columns of image, truth and two runs; each run's gallery; what changed most.
    assert page.count('src="data:image/jpeg;base64,') >= 6 * 4 + 2 * 6 * 4
    assert len(page) < 2_000_000


def test_nothing_gets_out_of_a_name(double: Path) -> None:
    page = double.read_text()
    assert '<script' not in page
    assert '&lt;script&gt;alert(1)&lt;/script&gt; $x$' in page
    assert '&lt;script&gt;alert(1)&lt;/script&gt; $x$ of mine</th>' in page
    assert page.count('</pre>') == page.count('<pre')


def test_a_page_refers_to_nothing(single: Path, double: Path) -> None:
    for path in (single, double):
        page = path.read_text()
        assert "default-src 'none'; img-src data:;" in page
        references = re.findall(r'\s(?:src|href|xlink:href|action|srcset)="([^"]*)"', page)
        assert len(references) > 20
        links = {r for r in references if r[:1] != '#' and r[:5] != 'data:'}
        assert links == set(re.findall(r'<a href="(\./\w+_tables/\w+\.(?:md|csv|tex))"', page))
        assert not re.search(r'@import|url\((?!#)', page)


def browse(page: Path, folder: Path, *flags: str) -> tuple[str, str, list[str]]:
    """Open a page in the browser.

    Returns:
        What the page became, what the console said, and the addresses that were asked for.
    """
    log = folder / 'net.json'
    words = [
        CHROMIUM,
        *('--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'),
        *('--disable-background-networking', '--disable-component-update'),
        '--host-resolver-rules=MAP * ~NOTFOUND',
        *('--enable-logging=stderr', '--virtual-time-budget=4000', f'--log-net-log={log}'),
        f'--user-data-dir={folder / "profile"}',
        *flags,
        '--dump-dom',
        page.as_uri(),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=180)
    said = '\n'.join(line for line in done.stderr.splitlines() if 'CONSOLE' in line)
    # What the browser asks on its own account has no origin, and the resolver answers nothing.
    asked = [
        event['params']['url']
        for event in json.loads(log.read_text(errors='replace'))['events']
        if event.get('params', {}).get('initiator', 'not an origin') != 'not an origin'
    ]
    return done.stdout, said, asked


#: Put into a copy of a page, tells the page around it what it looks like.
PROBE = """<script>addEventListener('load', () => parent.postMessage({
  width: innerWidth, needed: document.documentElement.scrollWidth,
  images: document.images.length,
  broken: [...document.images].filter(image => !image.naturalWidth).length,
  fetched: performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length,
}, '*'))</script>"""


@pytest.mark.skipif(not CHROMIUM, reason=NO_CHROMIUM)
def test_in_a_browser(single: Path, double: Path, tmp_path: Path) -> None:
    for page in (single, double):
        _, said, asked = browse(page, tmp_path)
        assert (said, asked) == ('', [])
        # The policy forbids scripts, so the copy that is probed has none.
        bare = re.sub(r'<meta http-equiv[^>]*>', PROBE, page.read_text())
        (tmp_path / 'copy.html').write_text(bare)
        frames = ''.join(
            f'<iframe src="copy.html" width={w} height=800></iframe>' for w in (390, 1280)
        )
        (tmp_path / 'frames.html').write_text(
            f"<script>addEventListener('message', e => document.body.append("
            f"'FOUND' + JSON.stringify(e.data) + 'END'))</script><body>{frames}"
        )
        dom, said, asked = browse(tmp_path / 'frames.html', tmp_path)
        assert (said, asked) == ('', [])
        found = [json.loads(text) for text in re.findall(r'FOUND(\{.*?\})END', dom)]
        assert sorted(row['width'] for row in found) == [390, 1280]
        for row in found:
            assert row['needed'] <= row['width']
            assert row['images'] >= 24
            assert row['broken'] == row['fetched'] == 0


def test_nothing_is_cut_without_a_sign(single: Path, double: Path, tmp_path: Path) -> None:
    with launched() as browser:
        assert cut_without_a_sign(browser, single) == []
        (tmp_path / 'long.html').write_text(re.sub(r'\btwo\b', 'w' * 60, double.read_text()))
        assert cut_without_a_sign(browser, tmp_path / 'long.html') == []
        cut = double.read_text().replace('class="card scroll"', 'style="overflow-x: auto"')
        (tmp_path / 'cut.html').write_text(cut)
        assert any(
            '390 dark' in text for text in cut_without_a_sign(browser, tmp_path / 'cut.html')
        )


@pytest.mark.skipif(not CHROMIUM, reason=NO_CHROMIUM)
def test_the_browser_would_tell(tmp_path: Path) -> None:
    """What the test above looks for is seen where it is there."""
    page = tmp_path / 'bad.html'
    page.write_text('<img src="http://127.0.0.1:9/x.png"><script>nothing.at.all()</script>')
    _, said, asked = browse(page, tmp_path)
    assert 'nothing is not defined' in said
    assert set(asked) == {'http://127.0.0.1:9/x.png'}


def test_what_is_not_there_is_said(runs: Path, tmp_path: Path) -> None:
    untested = tmp_path / 'young' / 'run'
    scalars(untested, 0.3)
    page = report_runs([str(untested)]).read_text()
    assert 'Not tested yet: python tools/test.py' in page
    assert 'id="metrics"' not in page
    assert 'loss over the epochs' in page

    bare = shutil.copytree(runs / 'two' / 'latest' / 'test', tmp_path / 'bare')
    shutil.rmtree(bare / 'masks')
    page = report_runs([str(bare)]).read_text()
    assert 'its test kept no masks; test with --out' in page
    assert 'No curves:' in page
    lost = shutil.copytree(runs / 'two' / 'latest' / 'test', tmp_path / 'lost')
    path = lost / 'merged_config.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | dict(data_root='/nowhere')))
    assert 'No pictures: /nowhere' in report_runs([str(lost)]).read_text()

    metrics = json.loads((bare / 'metrics.json').read_text())
    (bare / 'metrics.json').write_text(json.dumps(metrics | dict(border='ignore')))
    with pytest.raises(UserError, match='cannot be compared: border is'):
        report_runs([str(runs / 'one'), str(bare)])
    (tmp_path / 'none').mkdir()
    with pytest.raises(UserError, match=r'has no vis_data/scalars\.json'):
        report_runs([str(tmp_path / 'none')])


def test_pages_of_all_kept_results(tmp_path: Path) -> None:
    pages = report_results(str(tmp_path))
    kept = ROOT / 'results'
    assert {page.relative_to(tmp_path).as_posix() for page in pages} == {
        *(f'{path.parent.name}.html' for path in kept.glob('*/metrics.json')),
        *(f'{p.parent.name}/{p.stem}.html' for p in kept.glob('reports/*/*.json')),
    }
    page = (tmp_path / 'resnet34_unet_pet_128.html').read_text()
    assert '0.8934' in page
    # A result of before has single images: intervals and groups are made from them.
    assert 'Breed (1 of 3): Dice of each group' in page
