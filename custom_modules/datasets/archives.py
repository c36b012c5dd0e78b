"""Unpacking archives that nobody has checked."""

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from ..base.errors import UserError

#: More than this is no data set of photographs but a bomb; the official archives unpack to 0.8 GB.
MAX_BYTES = 8 << 30
MAX_MEMBERS = 200_000

#: Photographs hardly shrink, and annotations to a third. Small archives get a base on top.
MAX_RATIO = 20
BASE_BYTES = 64 << 20

#: Of zeros behind the end. tar writes less than 10 KiB unless told otherwise.
MAX_PADDING = 1 << 20

#: Of a header that extends the next one.
MAX_EXTENDED = 64 << 10

#: Kinds of such headers (pax, Solaris, GNU), and of members that are files.
EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)

BLOCK = tarfile.BLOCKSIZE
CHUNK = 1 << 20


def extract(archive: Path, root: Path, wanted: Callable[[PurePosixPath], bool]) -> int:
    """Unpack the wanted files of a tar archive into ``root``, all of them or none.

    The files are written into a staging folder, and each top-level folder is moved in when the
    archive was read to its end, so that a half-extracted tree is never seen under the right name.
    Folders of the same name are replaced. Nothing but the bytes of regular files is taken: no
    owner, no mode, no time.

    Args:
        archive: tar file to unpack, packed by gzip or not.
        root: folder that gets the archive's top-level folders.
        wanted: function that says whether a member's path is taken; others are passed over.

    Returns:
        The number of files that were unpacked.

    Raises:
        UserError: the archive is damaged, cut short or too large, there is something behind its
            end, a member is a link or a device or would leave the folder, or ``root`` cannot be
            written. Nothing was changed then.
    """
    refuse_unusable(archive)
    staging = root / '.extracting'
    count = 0
    try:
        root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        with _open(archive) as file:
            stream = _Stream(file, _limit(archive))
            for member in _members(stream):
                path = _safe_path(member)
                if member.isdir():
                    continue
                if not wanted(path):
                    stream.skip(_padded(member.size))
                    continue
                target = staging / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, 'wb') as out:
                    stream.copy(member.size, out)
                stream.skip(_padded(member.size) - member.size)
                count += 1
        if not count:
            raise UserError(f'{archive}: nothing in it belongs to the data set')
        for folder in staging.iterdir():
            shutil.rmtree(root / folder.name, ignore_errors=True)
            folder.replace(root / folder.name)
    except _RefusedError as error:
        raise UserError(f'{archive}: refused, {error}') from None
    except tarfile.TarError as error:
        raise UserError(
            f'{archive}: cannot be unpacked ({error}); copy or download it again'
        ) from None
    except OSError as error:  # those of reading are a TarError by now
        raise UserError(f'{root}: cannot be written ({error.strerror or error})') from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return count


def refuse_unusable(archive: Path) -> None:
    """Refuse what need not be opened.

    Raises:
        UserError: the archive is no file that can be read, or larger than any that could be
            unpacked.
    """
    if not archive.is_file():
        raise UserError(f'{archive}: there is no such archive')
    size = archive.stat().st_size
    if size > MAX_BYTES:
        raise UserError(
            f'{archive}: refused, {size >> 20:,} MiB are no archive of photographs; at most '
            f'{MAX_BYTES >> 20:,} are read'
        )
    try:
        open(archive, 'rb').close()
    except OSError as error:
        raise UserError(f'{archive}: cannot be read ({error.strerror})') from None


class _RefusedError(Exception):
    """The archive is not damaged, but of a kind that is not unpacked."""


class _Stream:
    """The unpacked bytes of an archive, from their beginning to their end and no more than a limit.

    Raises:
        tarfile.ReadError: the archive is damaged or ends too early.
        _RefusedError: there are more bytes than the limit.
    """

    def __init__(self, file: io.BufferedIOBase, limit: int) -> None:
        self.file = file
        self.limit = self.left = limit

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, or fewer at the end."""
        try:
            data = self.file.read(min(size, self.left + 1))
        except (OSError, EOFError, zlib.error) as error:
            raise tarfile.ReadError(str(error)) from None
        self.left -= len(data)
        if self.left < 0:
            raise _RefusedError(
                f'it unpacks to more than {self.limit >> 20:,} MiB, which is no data set but a bomb'
            )
        return data

    def copy(self, size: int, target: IO[bytes]) -> None:
        """Write the next ``size`` bytes to a file."""
        for start in range(0, size, CHUNK):
            target.write(self.exactly(min(CHUNK, size - start)))

    def skip(self, size: int) -> None:
        """Pass over the next ``size`` bytes."""
        for start in range(0, size, CHUNK):
            self.exactly(min(CHUNK, size - start))

    def exactly(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        data = self.read(size)
        if len(data) < size:
            raise tarfile.ReadError('it is cut short')
        return data


def _open(archive: Path) -> io.BufferedIOBase:
    with open(archive, 'rb') as file:
        packed = file.read(2) == b'\x1f\x8b'
    return gzip.open(archive) if packed else open(archive, 'rb')


def _limit(archive: Path) -> int:
    return min(MAX_BYTES, BASE_BYTES + MAX_RATIO * archive.stat().st_size)


def _padded(size: int) -> int:
    """Return the bytes of whole blocks."""
    return -(-size // BLOCK) * BLOCK


def _members(stream: _Stream) -> Iterator[tarfile.TarInfo]:
    """Yield the members by their headers; the caller takes their data out of the stream.

    ``tarfile.open`` would hand sparse and extended headers to loops and regular expressions that a
    malicious one keeps busy, and take a damaged header for the end of the archive.
    """
    for number in range(MAX_MEMBERS + 1):
        block = stream.read(BLOCK)
        if len(block) == BLOCK and not any(block):
            _read_padding(stream)
            return
        try:
            member = tarfile.TarInfo.frombuf(block, 'utf-8', 'surrogateescape')
        except tarfile.HeaderError:
            if not number:
                raise tarfile.ReadError('it is no tar file, nor one packed by gzip') from None
            short = len(block) < BLOCK
            raise tarfile.ReadError('it is cut short' if short else 'a header is damaged') from None
        if not 0 <= member.size <= stream.left:
            raise _RefusedError(
                f'its member {member.name!r} has {member.size:,} bytes by its header, '
                f'{stream.left:,} are allowed'
            )
        if member.type in EXTENDED:
            _refuse_changes(member, stream)
        else:
            yield member
    raise _RefusedError(f'it holds more than {MAX_MEMBERS:,} files')


def _refuse_changes(member: tarfile.TarInfo, stream: _Stream) -> None:
    """Pass over times and attributes of the next member, but not over another name or size."""
    if member.size > MAX_EXTENDED:
        raise _RefusedError(f'a header of {member.size:,} bytes is no name of a file')
    content = stream.exactly(_padded(member.size))
    gnu = member.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
    if gnu or any(key in content for key in (b' path=', b' size=', b' GNU.sparse.')):
        raise _RefusedError(
            'an extended header changes the name or size of a member; pack it with --format=ustar'
        )


def _read_padding(stream: _Stream) -> None:
    """Read to the end, so that the checksum is seen, which lies there."""
    for _ in range(MAX_PADDING // CHUNK + 1):
        data = stream.read(CHUNK)
        if any(data):
            raise _RefusedError('there is something behind its end, which would not be unpacked')
        if len(data) < CHUNK:
            return
    raise _RefusedError(f'more than {MAX_PADDING >> 20} MiB of zeros are behind its end')


def _safe_path(member: tarfile.TarInfo) -> PurePosixPath:
    path = PurePosixPath(member.name)
    reason = ''
    if member.type not in FILES and not member.isdir():
        reason = 'is a link or a device, or of another kind that is not unpacked'
    elif path.is_absolute() or '..' in path.parts or '\\' in member.name or ':' in member.name:
        reason = 'would leave the folder'
    elif not member.name.isprintable() or not (path.parts or member.isdir()):
        reason = 'has a name that is no text'
    if reason:
        raise _RefusedError(f'its member {member.name[:200]!r} {reason}')
    return path
