"""Bad input: a clear message or a documented handling, nothing else."""

from pathlib import Path

import pytest

from custom_modules.base.errors import UserError
from tests import robustness_page
from tests.corpus import CASES
from tests.corpus.case import Case


@pytest.mark.parametrize('case', CASES, ids=lambda case: f'{case.kind}: {case.name}'[:60])
def test_corpus(case: Case, tmp_path: Path) -> None:
    if case.refused:
        with pytest.raises(UserError) as raised:
            case.run(tmp_path)
        assert case.refused in str(raised.value)
        assert '\n' not in str(raised.value).replace(str(tmp_path), '').replace('a\nb.jpg', '')
    else:
        assert case.run(tmp_path) == case.read


def test_every_input_is_its_own() -> None:
    assert len({(case.kind, case.name) for case in CASES}) == len(CASES) >= 150


def test_the_page_is_that_of_corpus_and_soak() -> None:
    old, new = robustness_page.page()
    assert old == new, 'run python -m tests.robustness_page'
