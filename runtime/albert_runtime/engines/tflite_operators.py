"""TFLite interpreters' messages about missing operators, and advice for each of them."""

from __future__ import annotations

import re

_UPGRADE = {
    "litert": "Upgrade it: pip install --upgrade ai-edge-litert",
    "tflite-runtime": (
        "LiteRT runs newer files: pip install ai-edge-litert, then open the bundle with engine='litert' "
        "(in a shell --engine litert). Or export for this engine: albert-export tflite --target tflite-runtime"
    ),
    "tf-lite": (
        "LiteRT runs newer files: pip install ai-edge-litert, then open the bundle with engine='litert' "
        "(in a shell --engine litert)"
    ),
}
#: TensorFlow's wheels from 2.20 on come without the Flex delegate
_FLEX = (
    "Operators of TensorFlow (Flex) run in TensorFlow up to 2.18 only: pip install 'tensorflow<2.19', then open the "
    "bundle with engine='tf-lite' (in a shell --engine tf-lite). `albert-export tflite` makes graphs without them: "
    "better export the model again."
)
_CUSTOM = (
    "No engine here has custom operators. `albert-export tflite` makes graphs without them: export the model again."
)

_VERSIONED = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")
_TYPED = re.compile(r"Type '(\w+)' is not supported by (\w+)")
_UNKNOWN = re.compile(r"Op builtin_code out of range: (\d+)")
_SELECT = re.compile(r"Select TensorFlow op\(s\).*?\((Flex\w+)\)")
_UNRESOLVED = re.compile(r"unresolved custom op: (.*?)\.? See instructions")


def lack_of_operators(reason: str, engine: str) -> tuple[list[str], str] | None:
    """The operators that are missing, and advice; None if `reason` is about something else.

    Args:
        reason: the interpreter's message when it loaded the graph, in one line.
        engine: the name of the engine.
    """
    newer = [f"{name}, version {version}" for name, version in _VERSIONED.findall(reason)]
    newer += [f"{name.upper()} of {kind.lower()}" for kind, name in _TYPED.findall(reason)]
    newer += [f"number {code}, a newer one than it knows" for code in _UNKNOWN.findall(reason)]
    for operators, advice in (
        (newer, _UPGRADE[engine]),
        (_SELECT.findall(reason), _FLEX),
        (_UNRESOLVED.findall(reason), _CUSTOM),
    ):
        if operators:
            return list(dict.fromkeys(operators)), advice
    return None
