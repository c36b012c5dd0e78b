"""Data sets, samplers and transforms, registered in MMEngine's registries."""

from .binary_masks import BinaryMaskDataset
from .listed_pairs import ListedPairsDataset
from .oxford.dataset import OxfordPetDataset
from .seeded_sampler import SeededSampler
from .transforms.albumentations import Albumentations
from .transforms.augmentation import RandomAffine, RandomBrightnessContrast
from .transforms.count_border import CountBorder
from .transforms.loading import LoadImage, LoadMask, PackBinarySegInputs
from .transforms.offline_augmentation import OfflineAugmentation
from .transforms.padding import Pad
from .transforms.random_crop import RandomCrop
from .transforms.resizing import Resize, ResizeForScoring
from .transforms.sliding_window import SlidingWindow

__all__ = [
    'Albumentations',
    'BinaryMaskDataset',
    'CountBorder',
    'ListedPairsDataset',
    'LoadImage',
    'LoadMask',
    'OfflineAugmentation',
    'OxfordPetDataset',
    'PackBinarySegInputs',
    'Pad',
    'RandomAffine',
    'RandomBrightnessContrast',
    'RandomCrop',
    'Resize',
    'ResizeForScoring',
    'SeededSampler',
    'SlidingWindow',
]
