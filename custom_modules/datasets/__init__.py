"""Data sets, samplers and transforms, registered in MMEngine's registries."""

from .binary_masks import BinaryMaskDataset
from .oxford.dataset import OxfordPetDataset
from .seeded_sampler import SeededSampler
from .transforms.albumentations import Albumentations
from .transforms.augmentation import RandomAffine, RandomBrightnessContrast
from .transforms.count_border import CountBorder
from .transforms.enlarged_copies import EnlargedCopies
from .transforms.loading import LoadImage, LoadMask, PackBinarySegInputs
from .transforms.padding import Pad
from .transforms.resizing import Resize, ResizeForScoring

__all__ = [
    'Albumentations',
    'BinaryMaskDataset',
    'CountBorder',
    'EnlargedCopies',
    'LoadImage',
    'LoadMask',
    'OxfordPetDataset',
    'PackBinarySegInputs',
    'Pad',
    'RandomAffine',
    'RandomBrightnessContrast',
    'Resize',
    'ResizeForScoring',
    'SeededSampler',
]
