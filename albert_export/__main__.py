"""`python -m albert_export` is `albert-export`."""

import sys


def main() -> int:
    """Runs the command line; an interruption is one from the first import on."""
    try:
        from albert_export.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        print("error: interrupted; nothing was left behind", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
