"""What ``tools/demo.py`` does without a model: everything once, on drawn pictures."""

from pathlib import Path

from ..base.paths import short_path
from ..base.shell import shell_command
from ..runs.metrics_text import describe
from .from_python import draw_sample, report, test, train

CONFIG = 'configs/sample/unet_sample.py'


def demo() -> Path:
    """Draw the sample data set, train a UNet on it, test its best epoch, write a report.

    Returns:
        Path of the run's folder, with ``report.html``.

    Raises:
        UserError: a folder cannot be written, or other data lies in ``data/sample``.
    """
    data = draw_sample()
    print(f'images and masks: {short_path(data)}', flush=True)
    run = train(CONFIG)
    result = test(CONFIG, run / 'best.pth', run / 'test')
    print(describe(result))
    folder = short_path(run)
    print(f'metrics: {folder}/test/metrics.json, {folder}/test/per_image.csv')
    print(f'pictures: {folder}/test/examples.png, {folder}/test/masks')
    print(f'report: {short_path(report(run))}')
    print(f'a page to try the model on: {shell_command("demo", CONFIG, f"{folder}/best.pth")}')
    return run
