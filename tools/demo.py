#!/usr/bin/env python
"""A page to try models on: python tools/demo.py PUBLISHED [PUBLISHED ...]

Drop a photograph; see overlay, mask and cut-out, of several models side by side. It is the same
service as that of tools/serve.py; see docs/deploy.md.
"""

from serve import main

if __name__ == '__main__':
    main(__doc__)
