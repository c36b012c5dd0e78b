"""The picture of a test: the worst, median and best images, each under its own name."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from custom_modules.visualization import examples
from tests.test_encoder_and_head import samples


def test_rows_have_their_own_titles_and_the_sheet_has_its(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(examples, 'save_contact_sheet', lambda *given: written.extend(given))
    truth = torch.ones(1, 4, 4, dtype=torch.uint8)
    packed = dict(inputs=torch.zeros(3, 4, 4, dtype=torch.uint8), data_samples=samples(truth)[0])
    rows = [dict(id=name, tp=1, fn=0, dice=dice) for name, dice in (('cat', 0.9), ('dog', 0.25))]
    for row in rows:
        cv2.imwrite(str(tmp_path / f'{row["id"]}.png'), np.full((4, 4), 255, np.uint8))
    examples.save_examples([packed, packed], rows, tmp_path, tmp_path / 'sheet.png', 'a test')
    shown, path, title = written
    assert [one.title for one in shown] == ['worst\ndog\nDice 0.250', 'worst\ncat\nDice 0.900']
    assert (path, title) == (tmp_path / 'sheet.png', 'a test')
