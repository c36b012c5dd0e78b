"""The process that decodes for the service, and one kind of file whose decoding has no end."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / 'custom_modules'

#: Such a file.
ENDLESS = b'a file that computes for minutes'


def main() -> None:
    sys.path.insert(0, str(PACKAGE / 'service'))
    import decoder_process

    decoder_process.import_bare(PACKAGE)
    from custom_modules.service import decoding

    decode = decoding.decode

    def endless(data: bytes, *others: object) -> object:
        while data == ENDLESS:
            pass
        return decode(data, *others)

    decoding.decode = endless
    decoder_process.main()


if __name__ == '__main__':
    main()
