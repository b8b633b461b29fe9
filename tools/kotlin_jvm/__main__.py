"""Builds and tests the Kotlin library on the JVM: `python -m tools.kotlin_jvm test`.

  fetch               fetch the compiler and the libraries, and say where they are
  compile             compile the library and its tests
  test [CLASS ...]    run the JUnit tests, all or those of the classes named
  run CLASS [ARG ...] run the `main` of a class of the library or its tests

Everything is kept in a cache folder, which $ALBERT_KOTLIN_CACHE may name; sources are compiled when they have changed.
`--only albert/runtime/json`, which may be repeated, leaves out all other sources. A JDK 17, npm and JUnit 4 must be
installed; what is missing is named.
"""

from __future__ import annotations

import argparse
import sys

from tools.kotlin_jvm.build import CompilationError, build
from tools.kotlin_jvm.parts import MissingPartError, Parts


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.kotlin_jvm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", default=[], metavar="PATH")
    parser.add_argument("action", choices=("fetch", "compile", "test", "run"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    parts = Parts()
    try:
        if given.action == "fetch":
            if problem := parts.missing():
                raise MissingPartError(problem)
            print(f"everything is in {parts.folder}")
            return 0
        built = build(parts, only=given.only)
        if given.action == "compile":
            print(f"the classes are in {built.main}")
            return 0
        if given.action == "run":
            if not given.arguments:
                parser.error("run needs the name of a class")
            return built.java(given.arguments[0], given.arguments[1:])
        return built.java("org.junit.runner.JUnitCore", given.arguments or built.test_classes())
    except (MissingPartError, CompilationError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
