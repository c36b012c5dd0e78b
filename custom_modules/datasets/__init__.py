"""Data sets, samplers and transforms, registered in MMEngine's registries."""

from .albumentations import Albumentations
from .augmentation import RandomAffine, RandomBrightnessContrast
from .binary_masks import BinaryMaskDataset
from .count_border import CountBorder
from .enlarged_copies import EnlargedCopies
from .oxford_pet import OxfordPetDataset
from .padding import Pad
from .resizing import Resize, ResizeForScoring
from .seeded_sampler import SeededSampler
from .transforms import LoadImage, LoadMask, PackBinarySegInputs

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
