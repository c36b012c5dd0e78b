"""Unpacking archives that nobody has checked."""

import shutil
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ..errors import UserError

#: More than this is no data set of photographs but a bomb; the official archives unpack to 0.8 GB.
MAX_BYTES = 8 << 30
MAX_MEMBERS = 200_000


def extract(archive: Path, root: Path, wanted: Callable[[PurePosixPath], bool]) -> int:
    """Unpack the wanted files of a tar archive into ``root``, all of them or none.

    The files are written beside their place and each top-level folder is moved in when the archive
    was read to its end, so that a half-extracted tree is never seen under the right name. Folders
    of the same name are replaced.

    Args:
        archive: a tar file, compressed or not.
        root: folder for its top-level folders.
        wanted: says whether a member's path is taken; others are passed over.

    Returns:
        The number of files.

    Raises:
        UserError: the archive is damaged, too large, or has a member that is a link or a device or
            would leave the folder. Nothing was changed then.
    """
    root.mkdir(parents=True, exist_ok=True)
    beside = root / '.extracting'
    shutil.rmtree(beside, ignore_errors=True)
    count = total = 0
    try:
        with tarfile.open(archive) as tar:
            for number, member in enumerate(tar):
                path = _safe_path(member, archive)
                total += member.size
                if number >= MAX_MEMBERS or total > MAX_BYTES:
                    raise UserError(
                        f'{archive}: refused, it holds more than {MAX_MEMBERS:,} files '
                        f'or {MAX_BYTES >> 30} GiB'
                    )
                if not member.isfile() or not wanted(path):
                    continue
                source = tar.extractfile(member)
                assert source is not None
                target = beside / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, open(target, 'wb') as file:
                    shutil.copyfileobj(source, file)
                count += 1
            _read_to_the_end(tar)
        if not count:
            raise UserError(f'{archive}: nothing in it belongs to the data set')
        for folder in beside.iterdir():
            shutil.rmtree(root / folder.name, ignore_errors=True)
            folder.replace(root / folder.name)
    except FileNotFoundError:
        raise UserError(f'{archive}: there is no such archive') from None
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        reason = str(error).partition('\n')[0].rstrip(':')  # then a line for each compression
        raise UserError(
            f'{archive}: cannot be unpacked ({reason}); copy or download it again'
        ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return count


def _read_to_the_end(tar: tarfile.TarFile) -> None:
    """Let the decompressor see its checksum, which lies behind the last member."""
    assert tar.fileobj is not None
    while tar.fileobj.read(1 << 20):
        pass


def _safe_path(member: tarfile.TarInfo, archive: Path) -> PurePosixPath:
    path = PurePosixPath(member.name)
    reason = ''
    if not (member.isfile() or member.isdir()):
        reason = 'is a link or a device'
    elif path.is_absolute() or '..' in path.parts or '\\' in member.name or ':' in member.name:
        reason = 'would leave the folder'
    if reason:
        raise UserError(f'{archive}: refused, its member {member.name!r} {reason}')
    return path
