"""Hooks of schemathesis: where the service's description says image, small images are sent."""

from typing import Any

import cv2
import numpy as np
import schemathesis
from hypothesis import strategies as st


def picture(suffix: str, height: int, width: int, seed: int) -> bytes:
    """Return a file of noise."""
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(suffix, image)[1].tobytes()


SIDES = st.integers(1, 9)
for suffix, name in (('.png', 'png'), ('.jpg', 'jpeg'), ('.webp', 'webp'), ('.tif', 'tiff')):
    pictures = st.builds(picture, st.just(suffix), SIDES, SIDES, st.integers(0, 9))
    schemathesis.openapi.media_type(f'image/{name}', pictures)


def make_list(body: Any) -> Any:
    """Make a list of one image: schemathesis takes no lists from these strategies."""
    form = getattr(body, 'body', body)
    if isinstance(form, dict) and isinstance(form.get('files'), bytes):
        form['files'] = [form['files']]
    return body


@schemathesis.hook
def map_body(_: schemathesis.HookContext, body: Any) -> Any:
    return make_list(body)


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case, __: dict) -> None:
    make_list(case.body)  # of the phase that maps no bodies
