"""Runs the command line: `python -m albert_export` does the same as `albert-export`."""

import sys


def main() -> int:
    """Runs the command line and returns its exit code. Ctrl-C is handled during the imports too."""
    try:
        from albert_export.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        print("error: interrupted; nothing was left behind", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
