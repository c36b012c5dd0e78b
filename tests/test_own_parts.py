"""A model and modules of one's own, names of the stack, and checkpoints of MMEngine's runner."""

import re
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
from custom_modules.config import load_config
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.datasets.seeded_sampler import SeededIndex
from custom_modules.runs.checkpoint_io import load_checkpoint
from custom_modules.runs.per_image_csv import read_rows
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
        self.threshold = kwargs['threshold']
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


def test_a_loss_a_metric_a_data_set_and_an_encoder(sample: Path, tmp_path: Path) -> None:
    """As the page says it; each shows in the results, and the groups on the report too."""
    (tmp_path / 'parts_of_mine.py').write_text('\n\n'.join(PARTS))
    path = tmp_path / 'parts.py'
    path.write_text(BASE + CONFIG_OF_PARTS.partition('\n')[2])  # without its base
    config = load_config(path, tiny_options(sample, 'max_epochs=1', 'monitor=area_bias'))
    config.resolved.experiment_name = 'parts'
    run = train(config, str(tmp_path / 'runs'))
    out = tmp_path / 'out'
    result = score(config, str(run / 'best.pth'), str(out))
    assert result is not None
    assert -1 <= result['area_bias'] <= 1
    assert 0 < result['loss_distance'] < 1
    (scalars,) = (run / 'vis_data' / 'scalars.json').read_text().splitlines()[-1:]
    assert '"valid/area_bias"' in scalars and '"train/distance"' in scalars

    rows = read_rows(out / 'per_image.csv')
    assert [row['groups'] for row in rows] == [dict(camera='left'), dict(camera='right')] * 3
    assert (out / 'per_image.csv').read_text().startswith('id,camera,tp,')
    cameras = result['breakdowns']['camera']
    own = [row['dice'] for row in rows if row['groups']['camera'] == 'right']
    assert cameras['right']['num_images'] == 3
    assert cameras['right']['Dice'] == pytest.approx(np.mean(own))
    page = Path(report_runs([str(out)], str(tmp_path / 'report.html'))).read_text()
    assert 'aria-label="Camera: Dice of each group"' in page


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
