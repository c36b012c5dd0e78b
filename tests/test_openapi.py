"""The service keeps to its own OpenAPI description, whatever it is asked (schemathesis)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytest.importorskip('fastapi')
pytest.importorskip('schemathesis')

from custom_modules.service.app import build_app
from custom_modules.service.batcher import Batcher
from custom_modules.service.settings import Limits
from tests.served import served
from tests.service_models import Brightness


def test_the_service_keeps_to_its_description(tmp_path: Path) -> None:
    limits = Limits(linger=0.0)
    app = build_app({'brightness': Batcher(Brightness(), limits)}, limits)  # type: ignore[arg-type]
    with served(app) as address:
        words = ['run', f'{address}/openapi.json', '--max-examples', '25', '--no-color']
        words += ['--generation-deterministic', '--continue-on-failure']
        hooks = {'SCHEMATHESIS_HOOKS': 'tests.openapi_images', 'PYTHONPATH': str(ROOT)}
        done = subprocess.run(
            [sys.executable, '-m', 'schemathesis.cli', *words],
            cwd=tmp_path,
            env=os.environ | hooks,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout
    assert 'Tested: 7' in done.stdout, done.stdout
