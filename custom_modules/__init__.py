"""PetSeg: binary segmentation on MMEngine. Importing this package registers everything in it."""

import warnings

# MMCV says at import that an operator for transformers was not compiled. Nothing here uses it, and
# the fork's "Could not import OneDL" speaks of a service that no user of PetSeg asked for.
warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')

from . import datasets, engine, evaluation, models, visualization  # noqa: E402

__version__ = '0.1.0'
__all__ = ['datasets', 'engine', 'evaluation', 'models', 'visualization']
