"""Splits that the names of annotation files and folders say."""

from pathlib import PurePosixPath

from ..words import SPLIT_WORDS, split_of, words_of

#: Words that are too short to mean a split in the name of a file.
SHORT = ('tr', 'ts')


def split_of_name(name: str) -> str | None:
    """Return the split of a name that has the word of one, such as 'instances_train2017'."""
    found = {
        SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS and word not in SHORT
    }
    return found.pop() if len(found) == 1 else None


def split_of_file(file: PurePosixPath) -> str | None:
    """Return the split that an annotation file's name says, or else its folders."""
    return split_of_name(file.stem) or split_of_folders(file)


def split_of_folders(file: PurePosixPath) -> str | None:
    """Return the split that the folders of a file say; the deepest one counts."""
    found = [split for part in file.parent.parts if (split := split_of(part))]
    return found[-1] if found else None
