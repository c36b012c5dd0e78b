"""Where the official Oxford-IIIT Pet is, and how its archives become ``data/oxford-iiit-pet``."""

from pathlib import Path, PurePosixPath

#: The one place with the address; ``prepare_data.py --url`` overrides it.
OFFICIAL_URL = 'https://www.robots.ox.ac.uk/~vgg/data/pets/data'

ARCHIVES = ('images.tar.gz', 'annotations.tar.gz')

OFFICIAL_MD5 = {
    'images.tar.gz': '5c4f3ee8e5d25df40f4fd59a7f44e54c',
    'annotations.tar.gz': '95a8c909bbe2e81eed6a22bccdf3f68f',
}

#: The same photographs with a short side of 256 px, for development and tests.
SMALL_MD5 = {
    'images.tar.gz': 'a38c07b5a72d0e0499d2780e011e1834',
    'annotations.tar.gz': '01583372293bedb62f6c02befb567d83',
}


def edition(name: str, md5: str) -> str:
    """Return which published edition an archive is, or an empty string."""
    editions = {'the official edition': OFFICIAL_MD5, 'the 256 px edition': SMALL_MD5}
    return next((text for text, sums in editions.items() if sums.get(name) == md5), '')


def belongs(path: PurePosixPath) -> bool:
    """Say whether a member of the archives is part of the data set.

    The official archives also hold ``.mat`` files, ``._*`` files of macOS and head boxes in XML.
    """
    folder, name = path.parent.as_posix(), path.name
    if name.startswith('.'):
        return False
    if folder == 'images':
        return Path(name).suffix == '.jpg'
    if folder == 'annotations/trimaps':
        return Path(name).suffix == '.png'
    return folder == 'annotations' and (name.endswith('.txt') or name == 'README')
