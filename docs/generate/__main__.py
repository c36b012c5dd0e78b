"""Write the tables of results/ into README.md and docs: python -m docs.generate [--check]"""

import argparse

from custom_modules.base.errors import UserError
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.commands.cli import user_errors

from .reports_table import save_report_curves
from .results_table import pages
from .study_pages import save_pictures
from .zoo_table import save_zoo_picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='only say whether they are up to date')
    args = parser.parse_args()
    with user_errors():
        if not args.check:
            save_pictures()
            save_report_curves(PROJECT_ROOT / 'results' / 'reports')
            save_zoo_picture(PROJECT_ROOT / 'results' / 'zoo')
        for page, (old, new) in pages().items():
            if args.check and new != old:
                raise UserError(f'{page}: not the table of results/; run python -m docs.generate')
            page.write_text(new, encoding='utf-8')


if __name__ == '__main__':
    main()
