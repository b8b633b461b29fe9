"""Runs the first example of a demo on its exported bundle: `python tools/show_demo.py BUNDLE`."""

from __future__ import annotations

import string
import sys

import albert_runtime
from albert_export.demos import demo_examples


def main(bundle: str) -> int:
    """Prints the question, its context and the answer; returns 1 if the answer is wrong."""
    session = albert_runtime.load(bundle)
    example = demo_examples(session.task)[0]
    answer = session(**example.inputs)
    for name, text in example.inputs.items():
        print(f"{name + ':':10}{text}")
    print(f"{'answer:':10}{answer.text}  (score {answer.score:.3f}, characters {answer.start} to {answer.end})")
    # A word of an answer has the punctuation that is written behind it.
    if answer.text.rstrip(string.punctuation) != example.expected:
        print(f"the right answer is {example.expected!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
