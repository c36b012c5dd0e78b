"""Whether a network takes the channels that its images are read with, before anything is read."""

from collections.abc import Mapping
from typing import Any

from ..base.errors import UserError
from ..datasets.channels import COLOURS
from ..datasets.image_reading import ImageReading
from .held_datasets import held_datasets, pipeline_of

#: Steps of MMCV and mmsegmentation that compute with red, green and blue.
OF_COLOURS = ('PhotoMetricDistortion', 'RandomGrayscale')


def check_channels(config: Mapping[str, Any]) -> None:
    """Refuse data sets that read other channels than the network sees, and steps for colours.

    Args:
        config: resolved config, whose loaders are compared with its model.

    Raises:
        UserError: the numbers of channels differ, or a step takes colours alone; the message says
            what to write.
    """
    preprocessor = config['model'].get('data_preprocessor') or {}
    if str(preprocessor.get('type')).rpartition('.')[2] != 'BinarySegPreprocessor':
        return  # one's own may take what it likes
    wanted = preprocessor.get('in_channels', COLOURS)
    for stage in ('train', 'val', 'test'):
        loader = config.get(f'{stage}_dataloader')
        for dataset in held_datasets(loader['dataset']) if loader else ():
            reading = ImageReading.of(dataset.get('image_reading'))
            if reading.channels != wanted:
                raise UserError(
                    f'{stage}_dataloader: its images are read as {reading}, and the preprocessor '
                    f'takes {wanted} channels; set in_channels = {wanted} and give each data '
                    "set image_reading='$image_reading'"
                )
            names = [str(step.get('type')).rpartition('.')[2] for step in pipeline_of(dataset)]
            for name in names if wanted != COLOURS else ():
                if name in OF_COLOURS:
                    raise UserError(
                        f'{stage}_dataloader: {name} takes colours alone, and in_channels = '
                        f'{wanted}; use RandomBrightnessContrast, which takes any channels'
                    )
