"""PetSeg: binary segmentation on MMEngine. Importing this package registers everything in it."""

import warnings

# What the libraries say to each other and no user of PetSeg can act on: MMCV, that an operator for
# transformers was not compiled; MMEngine, that it passes itself an argument it has renamed.
warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
warnings.filterwarnings('ignore', message='`broadcast_buffers` is deprecated')

from . import datasets, engine, evaluation, models, visualization  # noqa: E402

__version__ = '0.1.0'
__all__ = ['datasets', 'engine', 'evaluation', 'models', 'visualization']
