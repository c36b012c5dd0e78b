"""Tables made from results, and the arithmetic of the benchmarks."""

import json
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.turns import in_turns, ratios
from custom_modules.base.errors import UserError
from docs.generate.performance_tables import performance_tables
from docs.generate.reports_table import PUBLISHED, reports_table
from docs.generate.results_table import pages
from tests.conftest import ROOT

RESULT = dict(
    dataset='OxfordPetDataset',
    Dice=0.81859,
    IoU=0.7082,
    image_size=128,
    num_images=3669,
    split='test',
    border='foreground',
    resolution='input',
    threshold=0.5,
    dtype='float32',
    training=dict(epochs=2, max_epochs=2, minutes=1, device='a CPU', precision='bfloat16'),
)


def test_the_tables_of_the_pages_are_those_of_the_results() -> None:
    for page, (old, new) in pages().items():
        assert old == new, f'{page}: run python -m docs.generate'


def test_the_table_of_scale_is_that_of_its_assumptions() -> None:
    old, new = scale.page()
    assert old == new, 'run python -m benchmarks.scale'


def test_a_ring_by_hand() -> None:
    """Eight GPUs pass 2 x 7/8 of 80 bytes at 10 bytes/s, and 14 messages of 0.1 s."""
    cluster = scale.Cluster(node_bandwidth=10, latency=1)
    assert scale.all_reduce_seconds(cluster, 8, 80) == pytest.approx(14 + 1.4)
    # Two nodes: then 2 x 1/2 of a GPU's 10 bytes at 5 bytes/s, and a message there and back.
    cluster = scale.Cluster(node_bandwidth=10, network_bandwidth=5, latency=1)
    assert scale.all_reduce_seconds(cluster, 16, 80) == pytest.approx(14 + 1.4 + 2 + 2)


def test_every_report_config_has_its_row() -> None:
    configs = {path.stem for path in (ROOT / 'configs' / 'reports').glob('*.py')}
    assert set(PUBLISHED) == configs - {'r3_unet_border_only'}


def test_a_run_that_is_missing_is_an_empty_cell(tmp_path: Path) -> None:
    batches = RESULT | dict(Dice_batches=0.82959)
    for place, result in (
        ('cpu-2epochs/r0_unet/metrics', batches),
        ('cpu-2epochs/r1_unet/metrics', RESULT),
        ('cpu-2epochs/r1_unet/own_threshold', RESULT | dict(Dice=0.8123, threshold=0.6225)),
        ('cpu-2epochs/r2_unet/metrics', RESULT | dict(dtype='bfloat16')),
        ('cpu-2epochs/r4_unet/metrics', batches),
        ('full/r0_resnet34_unet/metrics', batches),
    ):
        path = tmp_path / f'{place}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result))
    table = reports_table(tmp_path).splitlines()
    rows = {line.split('`')[1]: line for line in table[: 2 + len(PUBLISHED)] if '`' in line}
    assert list(rows) == list(PUBLISHED)
    same = '**0.8186** | 0.7082 | 2 of 2 |'
    assert rows['r0_unet'] == f'| `r0_unet` | 0.9318 |  |  |  |  | 0.8296 | {same}'
    assert rows['r1_unet'] == f'| `r1_unet` | 0.9036 |  |  |  |  | 0.8123 | {same}'
    assert rows['r2_unet'] == f'| `r2_unet` | 0.9309 |  |  |  |  |  | {same}'
    assert rows['r3_unet'] == '| `r3_unet` | 0.8641 |  |  |  |  |  |  |  |  |'
    assert rows['r4_unet'] == f'| `r4_unet` |  |  |  |  |  | 0.8186 | {same}'
    expected = f'| `r0_resnet34_unet` | 0.9330 | 0.8296 | {same}  |  |  |  |'
    assert rows['r0_resnet34_unet'] == expected
    assert table[-7].count("3,669 images of the split 'test', border = foreground") == 1
    assert 'Trained on a CPU in bfloat16, scored in bfloat16 or float32.' in table[-7]
    assert '| `r0_resnet34_unet` | 2 of 2 | 1 | a CPU, bfloat16 | `unknown` |' in table
    assert table[-1] == '![Curves of R0](images/reports/r0.png)'


def test_results_of_something_else_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / 'full' / 'r5_unet'
    folder.mkdir(parents=True)
    (folder / 'metrics.json').write_text(json.dumps(RESULT))
    with pytest.raises(UserError, match=r"r5_unet: no system .* is called 'r5_unet'"):
        reports_table(tmp_path)
    folder = folder.rename(tmp_path / 'full' / 'r1_unet')
    for wrong, message in (
        (dict(threshold=0.5), 'its threshold is 0.5; test again with 0.6225'),
        (dict(threshold=0.6225, checkpoint='other.pth'), 'its checkpoint is other.pth'),
    ):
        (folder / 'own_threshold.json').write_text(json.dumps(RESULT | wrong))
        with pytest.raises(UserError, match=message):
            reports_table(tmp_path)
    folder = folder.rename(tmp_path / 'full' / 'r0_unet')
    (folder / 'metrics.json').write_text(
        json.dumps({k: v for k, v in RESULT.items() if k != 'IoU'})
    )
    with pytest.raises(UserError, match=r"metrics\.json: is of no test, it lacks 'IoU'"):
        reports_table(tmp_path)


def test_performance_tables(tmp_path: Path) -> None:
    machine = dict(device='a CPU', torch='2.13', commit='abc', protocol='what was done')
    files = {
        'step': dict(base='bare', rows={'bare': dict(images_per_second=20.5, times_faster=1.0)}),
        'startup': dict(seconds={'--help': 0.034}),
        'memory': dict(mebibytes={'bare': 2048}),
        'loader': dict(rows={'r0': dict(JPEG=512.3, cache=None)}),
    }
    for name, content in files.items():
        (tmp_path / f'{name}.json').write_text(json.dumps(machine | content))
    page = performance_tables(tmp_path)
    for line in (
        '| bare | 20.5 | 1.00 |',
        '| --help | 0.03 |',
        '| bare | 2,048 |',
        '| r0 | 512.3 |  |',
        'What was done. a CPU, torch 2.13, commit `abc`.',
    ):
        assert line in page.splitlines(), line
    assert page.index('A training step') < page.index('The data loader') < page.index('Start')
    (tmp_path / 'speed.json').write_text('{}')
    with pytest.raises(UserError, match=r'speed\.json: no benchmark'):
        performance_tables(tmp_path)


def test_variants_take_turns_and_each_begins_once() -> None:
    order: list[str] = []
    variants = {name: lambda name=name: order.append(name) for name in 'abc'}
    seconds = in_turns(variants, rounds=3, steps=2, warm_up=1)
    assert ''.join(order) == 'abc' + 'aabbcc' + 'bbccaa' + 'ccaabb'
    assert {name: len(values) for name, values in seconds.items()} == dict(a=3, b=3, c=3)


def test_ratios_are_medians_of_the_rounds_ratios() -> None:
    seconds = dict(base=[2.0, 4.0, 9.0], other=[1.0, 1.0, 3.0])
    assert ratios(seconds, 'base') == dict(base=1.0, other=3.0)
