"""PetSeg: binary segmentation on MMEngine. Importing this package registers everything in it."""

import gc
import warnings

# What the libraries say to each other and no user of PetSeg can act on: MMCV, that an operator for
# transformers was not compiled; MMEngine, that it passes itself an argument it has renamed.
warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
warnings.filterwarnings('ignore', message='`broadcast_buffers` is deprecated')

# Imports make objects that stay: garbage collection among them takes a third of their time.
_collecting = gc.isenabled()
gc.disable()
try:
    from . import config, datasets, engine, evaluation, models, visualization
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f'{error}. Activate the environment of PetSeg (source .venv/bin/activate), '
        'or install what it needs: pip install -r requirements.txt'
    ) from None
finally:
    if _collecting:
        gc.enable()

__version__ = '0.1.0'
__all__ = ['config', 'datasets', 'engine', 'evaluation', 'models', 'visualization']
