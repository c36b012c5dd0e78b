"""What the user says about a folder, so that nothing of it is guessed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answers:
    """The options of ``tools/prepare_data.py --from``; what is not given is found or asked.

    Attributes:
        images: folder of the images, or a pattern of their names such as 'scan/*_img.tif', below
            the folder; None to find them.
        masks: the same of the masks.
        foreground: what is foreground: values or indices ('1'), colours ('#ff0000') or names of
            categories ('leaf'); empty to find it.
        ignore: what does not count, written in the same way.
        threshold: grey level above which a pixel of a soft mask is foreground, 0 to 254; None to
            find it.
        resize_masks: whether masks of another size than their images are brought to it, each pixel
            from the nearest one.
        group_by: regular expression that is looked for in the names; images with equal first group
            (or whole match) are kept in one split. None for none.
        channels: number of channels of the images that a network is to see: 1 for grey, 3 for
            colours, or that of the bands; None to find it.
        plane: plane of the slices of volumes: 'axial', 'coronal' or 'sagittal'; None for that whose
            slices are farthest from each other.
    """

    images: str | None = None
    masks: str | None = None
    foreground: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    threshold: int | None = None
    resize_masks: bool = False
    group_by: str | None = None
    channels: int | None = None
    plane: str | None = None
