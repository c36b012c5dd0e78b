#!/usr/bin/env python
"""Everything once, or a page to try models on: python tools/demo.py [PUBLISHED ...]

Without a model it draws a small data set, trains a UNet on it, tests it and writes a report, in
about a minute (`make demo`). With models it serves a page: drop a photograph; see overlay, mask and
cut-out, of several models side by side. It is the same service as that of tools/serve.py; see
docs/deploy.md.
"""

import serve


def main() -> None:
    parser = serve.build_parser(__doc__, models='*')
    args = parser.parse_args()
    if args.models:
        serve.serve(args)
        return
    for name, value in vars(args).items():
        if name != 'models' and value != parser.get_default(name):
            parser.error(f'--{name.replace("_", "-")} is for a page, which needs a MODEL')
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors(needs_output=False):
        from custom_modules.commands.demo import demo

        demo()


if __name__ == '__main__':
    main()
