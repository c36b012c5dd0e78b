#!/usr/bin/env python
"""Write the tables of results/ into README.md and docs: python tools/results_table.py [--check]"""

import argparse

import _start  # noqa: F401  (the project's folder, signals, standard streams)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='only say whether they are up to date')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors

    with user_errors():
        from custom_modules.base.errors import UserError
        from docs.generate.results_table import pages
        from docs.generate.study_pages import save_pictures

        if not args.check:
            save_pictures()
        for page, (old, new) in pages().items():
            if args.check and new != old:
                raise UserError(
                    f'{page}: not the table of results/; run python tools/results_table.py'
                )
            page.write_text(new, encoding='utf-8')


if __name__ == '__main__':
    main()
