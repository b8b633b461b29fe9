"""The front door from a checkout: `python cli.py` is `albert-export` (after `pip install -e .`)."""

import sys

from albert_export.commands import main

if __name__ == "__main__":
    sys.exit(main())
