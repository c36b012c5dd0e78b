"""What ``tools/predict.py`` does."""

import time
from collections.abc import Iterator, Sequence
from itertools import tee
from pathlib import Path

from ..base.errors import UnreadableImageError
from ..base.paths import make_writable
from ..base.progress import ProgressBar
from ..base.whole_file import whole_file
from ..prediction.images import ReadImage
from ..prediction.inputs import Frame, Source, count_frames, read_frames
from ..prediction.outputs import SUMMARY, PredictionWriter
from ..prediction.predictor import Predictor


def predict_files(
    predictor: Predictor,
    sources: Sequence[Source],
    folder: Path,
    kinds: Sequence[str] = ('mask', 'overlay'),
    limit: int | None = None,
) -> list[str]:
    """Predict files and write the results; what cannot be read is left out and said at the end.

    The memory needed does not depend on the number of images.

    Args:
        predictor: trained model, as ``custom_modules.api.load`` returns it.
        sources: images, videos and cameras to predict, as ``find_sources`` returns them.
        folder: folder for the results, see PredictionWriter; gets ``summary.csv`` too.
        kinds: kinds of results to write: 'mask', 'overlay', 'cutout', 'probability'.
        limit: largest number of frames to take of each video; None takes all.

    Returns:
        Messages about the files that could not be read, a line each.

    Raises:
        UserError: a file cannot be written.
        KeyboardInterrupt: Ctrl-C or another signal; the summary has what was done until then.
    """
    make_writable(folder, '--out')
    failures: list[str] = []
    predicted = with_foreground = 0
    interrupted: KeyboardInterrupt | None = None
    started = time.monotonic()
    total = sum(count_frames(source, limit) for source in sources)
    with (
        # Names that are no UTF-8 go into the table as the bytes they are.
        whole_file(folder / SUMMARY, newline='', errors='surrogateescape') as table,
        PredictionWriter(folder, kinds, table) as writer,
        ProgressBar('predicting', total) as bar,
    ):

        def readable() -> Iterator[Frame]:
            for source in sources:
                try:
                    yield from read_frames(source, limit, predictor.reading)
                except UnreadableImageError as error:
                    failures.append(str(error))
                    writer.write_error(source.path, str(error))
                    bar.advance()

        frames, copies = tee(readable())
        predictions = predictor.predict(ReadImage(frame.image) for frame in copies)
        try:
            for frame, prediction in zip(frames, predictions, strict=True):
                writer.write(frame, prediction)
                predicted += 1
                with_foreground += prediction.area > 0
                bar.advance(f'{predicted / (time.monotonic() - started):.1f} images/s')
        except KeyboardInterrupt as error:
            interrupted = error
    seconds = time.monotonic() - started
    print(
        f'{predicted:,} images in {seconds:.1f} s ({predicted / seconds:.1f} a second), '
        f'{with_foreground:,} with foreground'
    )
    if interrupted is not None:
        raise interrupted
    return failures
