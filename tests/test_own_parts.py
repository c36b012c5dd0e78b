"""A model and modules of one's own, names of the stack, and checkpoints of MMEngine's runner."""

import json
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.registry import MODELS

from custom_modules.base.errors import UserError
from custom_modules.commands.export import export
from custom_modules.commands.report import report_runs
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.datasets.seeded_sampler import SeededIndex
from custom_modules.export.model_card import Compared, model_card
from custom_modules.runs.checkpoint_io import load_checkpoint
from custom_modules.runs.comparison import compare
from custom_modules.runs.comparison import describe as told
from custom_modules.runs.metrics_json import read_metrics
from custom_modules.runs.metrics_text import describe
from custom_modules.runs.per_image_csv import read_rows
from custom_modules.runs.scalars import read_epochs
from custom_modules.runs.scored_run import find_scored
from custom_modules.studies.experiments import plan
from custom_modules.studies.pages import study_table
from custom_modules.studies.results import keep_results, read_study, study_results
from custom_modules.visualization.curves import find_runs, panels
from tests.conftest import ROOT, tiny_options

BASE = f"_base_ = '{ROOT}/configs/sample/unet_sample.py'\n"

MODEL = """
import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import PixelData


@MODELS.register_module(force=True)
class OneConvolution(BaseModel):
    def __init__(self, data_preprocessor=None, **kwargs):
        super().__init__(data_preprocessor)
        self.threshold, self.resolution = kwargs['threshold'], kwargs['resolution']
        self.convolution = torch.nn.Conv2d(3, 1, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        logits = self.convolution(inputs)
        target = torch.stack([s.gt_sem_seg.data for s in data_samples]).float()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        if mode == 'loss':
            return dict(loss=loss)
        for one, sample in zip(logits, data_samples):
            sample.pred_sem_seg = PixelData(data=(one > 0).byte())
            sample.seg_logits = PixelData(data=one)
            sample.set_field(dict(loss_own=loss.item()), 'losses')
        return data_samples
"""


def test_a_model_in_a_module_beside_the_config(sample: Path, tmp_path: Path) -> None:
    """Without a word in PYTHONPATH, and without the parts that ours has."""
    (tmp_path / 'model_of_mine.py').write_text(MODEL)
    path = tmp_path / 'mine.py'
    path.write_text(
        f"{BASE}custom_imports = dict(imports=['model_of_mine'])\n"
        "model = dict(_delete_=True, type='OneConvolution', data_preprocessor=dict("
        "type='BinarySegPreprocessor'), threshold=0.5, resolution='input')\n"
    )
    config = load_config(path, tiny_options(sample, 'max_epochs=1'))
    config.resolved.experiment_name = 'mine'
    run = train(config, str(tmp_path / 'runs'))
    result = score(config, str(run / 'best.pth'), str(tmp_path / 'test'), quick=True)
    assert result is not None and result['num_images'] == 6


#: The parts of the page, in their order; the last block is the config that names them.
PAGE = (ROOT / 'docs' / 'own-parts.md').read_text(encoding='utf-8')
*PARTS, CONFIG_OF_PARTS = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)


@dataclass
class Mine:
    """What was made of the parts of the page: a training, two tests, and the page about both.

    Attributes:
        config: of the page, with options.
        run: folder of the training.
        first: folder of the test of the last epoch.
        second: folder of the test of the best one.
        result: ``metrics.json`` of ``second``.
        printed: what the training said.
        page: of the report.
    """

    config: LoadedConfig
    run: Path
    first: Path
    second: Path
    result: dict[str, Any]
    printed: str
    page: str


#: So that the masks change from epoch to epoch.
OPTIONS = ['max_epochs=2', 'learning_rate=0.3', 'monitor=area_error']


@pytest.fixture(scope='module')
def mine(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Mine:
    folder = tmp_path_factory.mktemp('mine')
    (folder / 'parts_of_mine.py').write_text('\n\n'.join(PARTS))
    path = folder / 'parts.py'
    path.write_text(BASE + CONFIG_OF_PARTS.partition('\n')[2])  # without its base
    config = load_config(path, tiny_options(sample, *OPTIONS))
    config.resolved.experiment_name = 'parts'
    with redirect_stdout(StringIO()) as printed:
        run = train(config, str(folder / 'runs'))
        first, second = (folder / name for name in ('first', 'second'))
        score(config, str(run / 'last.pth'), str(first), quick=True)
        score(config, str(run / 'best.pth'), str(second))
        page = Path(report_runs([str(first), str(second)], str(folder / 'report.html')))
    result = read_metrics(second / 'metrics.json')
    return Mine(config, run, first, second, result, printed.getvalue(), page.read_text())


def test_a_loss_of_ones_own(mine: Mine) -> None:
    assert 0 < mine.result['loss_distance'] < 1
    terms = [value for name, value in mine.result.items() if name.startswith('loss_')]
    assert mine.result['loss'] == pytest.approx(sum(terms))
    for row in read_epochs(mine.run).values():
        assert row['train/distance'] > 0 and row['valid/distance'] > 0
    assert 'aria-label="loss term: distance over the epochs"' in mine.page
    assert '<th scope="row">loss term: distance</th>' in mine.page


def test_a_metric_of_ones_own_is_in_the_results(mine: Mine) -> None:
    value = mine.result['area_error']
    assert 0 < value <= 1
    assert f'error of the area {value:.4f}  (mean over images)' in describe(mine.result)
    rows = read_rows(mine.second / 'per_image.csv')
    header = (mine.second / 'per_image.csv').read_text().splitlines()[0]
    assert 'area_error' in header.split(',')
    assert np.mean([row['area_error'] for row in rows]) == pytest.approx(value)
    low, high = mine.result['intervals']['area_error']
    assert low < value < high
    left = [row['area_error'] for row in rows if row['groups']['camera'] == 'left']
    camera = mine.result['breakdowns']['camera']['left']
    assert camera['area_error'] == pytest.approx(np.mean(left))


def test_a_metric_of_ones_own_is_watched(mine: Mine) -> None:
    """Its class says that less is better: the name does not."""
    errors = {number: row['valid/area_error'] for number, row in read_epochs(mine.run).items()}
    assert len({*errors.values()}) > 1, f'nothing to choose from: {errors}'
    meta = load_checkpoint(mine.run / 'best.pth')['meta']
    assert meta['epoch'] == min(errors, key=errors.__getitem__)
    assert f'val area_error {errors[1]:.4f}' in mine.printed
    assert 'aria-label="error of the area over the epochs"' in mine.page
    (run,) = find_runs([str(mine.run)])
    assert list(panels([run]).values()) == [
        *('loss', 'Dice', 'IoU', 'error of the area'),
        *('loss term: binary cross-entropy', 'loss term: distance'),
    ]


def test_a_metric_of_ones_own_is_reported_and_compared(mine: Mine) -> None:
    title = 'error of the area, mean over images'
    assert mine.page.count(f'<th scope="row">{title}</th>') == 2  # metrics, comparison
    assert f'| {title} | {mine.result["area_error"]:.4f} (95 % interval ' in model_card(
        'mine', mine.config.resolved, [mine.result], Compared()
    )
    comparison = compare(*find_scored([str(mine.first), str(mine.second)]))
    row = comparison.metrics[-1]
    assert (row.metric, row.better, row.second) == ('area_error', 'less', mine.result['area_error'])
    assert row.low is not None and row.high is not None
    assert row.low <= row.second - row.first <= row.high
    assert '\narea_error  ' in told(comparison)


def test_a_metric_of_ones_own_is_in_the_table_of_a_study(mine: Mine, tmp_path: Path) -> None:
    path = mine.config.path
    (experiment,) = plan([path], tmp_path, options=[])
    run = shutil.copytree(mine.run, experiment.folder / mine.run.name)
    for name in ('metrics.json', 'per_image.csv'):
        shutil.copy(mine.second / name, run)
    found = study_results([experiment], 'own')
    keep_results(found, tmp_path / 'study.json')
    table = study_table(read_study(tmp_path / 'study.json')).splitlines()
    titles, row = ([cell.strip() for cell in line.split('|')] for line in (table[0], table[2]))
    place = titles.index('error of the area, mean over images')
    assert row[place] == f'{mine.result["area_error"]:.4f}'
    assert found['rows'][0]['curves']['valid/area_error'][0] > 0


def test_a_data_set_of_ones_own(mine: Mine) -> None:
    rows = read_rows(mine.second / 'per_image.csv')
    assert [row['groups'] for row in rows] == [dict(camera='left'), dict(camera='right')] * 3
    assert (mine.second / 'per_image.csv').read_text().startswith('id,camera,tp,')
    assert mine.result['dataset'] == 'PetsByCamera'
    cameras = mine.result['breakdowns']['camera']
    own = [row['dice'] for row in rows if row['groups']['camera'] == 'right']
    assert cameras['right']['num_images'] == 3
    assert cameras['right']['Dice'] == pytest.approx(np.mean(own))
    assert 'aria-label="Camera: Dice of each group"' in mine.page
    assert '6 images of the split &#39;test&#39; of PetsByCamera' in mine.page


def test_an_encoder_of_ones_own(mine: Mine) -> None:
    weights = load_checkpoint(mine.run / 'best.pth')['state_dict']
    assert weights['backbone.coarse.weight'].shape == (16, 8, 3, 3)
    assert 'TwoConvolutions + SumOfLevels' in mine.printed
    written = json.loads((mine.second / 'merged_config.json').read_text())
    assert written['model']['backbone'] == dict(type='TwoConvolutions')
    assert 'TwoConvolutions' in mine.page
    assert 'TwoConvolutions with SumOfLevels' in model_card(
        'mine', mine.config.resolved, [mine.result], Compared()
    )


def test_a_decode_head_a_transform_and_an_export_format(sample: Path, tmp_path: Path) -> None:
    """As the page says it; the training above is with the same head and transform."""
    (tmp_path / 'parts_of_mine.py').write_text('\n\n'.join(PARTS))
    path = tmp_path / 'parts.py'
    path.write_text(BASE + CONFIG_OF_PARTS.partition('\n')[2])
    config = load_config(path, tiny_options(sample))
    torch.manual_seed(0)
    model: Any = MODELS.build(config.resolved.model)
    assert type(model.decode_head).__name__ == 'SumOfLevels'
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 1, 32, 32)
    with pytest.raises(UserError, match=r'must be multiples of 2; use image_size = \(32, 32\)'):
        model(torch.zeros(1, 3, 32, 33))

    dataset = SeededDataset.build(config.resolved.train_dataloader['dataset'])
    pictures = [dataset[SeededIndex(i, i)]['inputs'] for i in range(16)]
    assert 0 < sum(bool((one == one[:1]).all()) for one in pictures) < 16
    assert all(
        torch.equal(dataset[SeededIndex(i, i)]['inputs'], one) for i, one in enumerate(pictures)
    )

    weights = tmp_path / 'best.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1, iter=1)), weights)
    made, parity = export(config, str(weights), 'frozen-torchscript', images=4)
    assert made == tmp_path / 'best.pt' and parity is not None
    assert (parity.images, parity.flipped) == (4, 0)
    assert [*torch.jit.load(made).parameters()] == []


def test_the_table_of_the_tree_names_files_that_are_there() -> None:
    rows = PAGE.partition('## In the tree')[2]
    named = re.findall(r'`((?:custom_modules|tests|tools)/[\w/.]*)`', rows)
    assert len(named) > 12
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ("backbone=dict(_delete_=True, type='ResNetV1c', depth=18)", "did you mean 'mmseg.ResNetV"),
        ("backbone=dict(_delete_=True, type='mmseg.ResNetV1c', depth=18)", ''),
        # Its **kwargs go to timm, and not to a class above.
        (
            "backbone=dict(_delete_=True, type='mmseg.TIMMBackbone', model_name='resnet18', "
            'features_only=True, drop_rate=0.1)',
            '',
        ),
        ("backbone=dict(_delete_=True, type='mmseg.ResNetV1c', dept=18)", 'did you mean depth'),
    ],
)
def test_names_of_the_stack(lines: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / 'mine.py'
    path.write_text(f'{BASE}model = dict({lines})\n')
    if message:
        with pytest.raises(UserError, match=message):
            load_config(path)
    else:
        load_config(path)


def test_the_default_scope_of_a_config_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / 'mine.py'
    own = "model = dict(backbone=dict(_delete_=True, type='ResNetV1c', depth=18))\n"
    path.write_text(f"{BASE}default_scope = 'mmseg'\n{own}")
    assert load_config(path).resolved.model['backbone']['type'] == 'ResNetV1c'


def test_checkpoints_of_mmengines_runner_are_read(tmp_path: Path) -> None:
    """They hold their curves as objects of one class, whose numbers are arrays."""
    curves = dict(loss=HistoryBuffer([1.0, 0.5], [1, 1]))
    checkpoint = dict(
        meta=dict(epoch=1, best=np.float64(0.9)),
        state_dict=dict(w=torch.ones(2)),
        message_hub=dict(log_scalars=curves),
    )
    torch.save(checkpoint, tmp_path / 'epoch_1.pth')
    found = load_checkpoint(tmp_path / 'epoch_1.pth')
    assert found['message_hub']['log_scalars']['loss'].data[0].tolist() == [1.0, 0.5]
    assert torch.equal(found['state_dict']['w'], torch.ones(2))
    assert found['meta']['best'] == 0.9
    # Reading a file changes nothing for the curves of this process.
    assert HistoryBuffer([1.0, 3.0], [1, 1]).statistics('mean') == 2.0
