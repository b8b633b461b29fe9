"""Lines of shell blocks that are not run but checked, because they install, take hours, or need another machine.

Everything else in a shell block is run as it is written.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: tools that run for many minutes -> why
SLOW_TOOLS = {
    "tools.figures": "exports and measures thirteen bundles of albert-base-v2's shape",
    "tools.outlier_benchmark": "exports every demo in every precision",
    "tools.shortcut_gain": "exports albert-base-v2's shape a dozen times",
    "tools.split_cost": "exports albert-base-v2's shape twice",
}
#: packages that pages install beside those of our extras
_OTHER_PACKAGES = {"transformers", "mkdocs"}


def runnable(script: str) -> str:
    """The script to run in place of `script`: each line that is not run has become a check.

    Raises:
        ValueError: a line that is only checked does not hold what it should.
    """
    lines = re.sub(r"\\\n\s*", "", script).splitlines()
    return "\n".join(_checked(line) or line for line in lines)


def _checked(line: str) -> str | None:
    """What to run in place of a line that is not run; None if the line itself is run."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a quotation that goes on in the next line
        return None
    for beginning, check in CHECKED.items():
        if tuple(words[: len(beginning)]) == beginning:
            return check(words[len(beginning) :])
    return None


def _pip(arguments: Sequence[str]) -> str:
    for requirement in (one for one in arguments if not one.startswith("-")):
        match = re.fullmatch(r"(albert-export|albert-runtime|\.|\w[\w-]*)(?:\[([\w,-]+)\])?", requirement)
        if match is None or not (match[1] in (".", "albert-export", "albert-runtime") or match[1] in _OTHER_PACKAGES):
            raise ValueError(f"pip install {requirement}: there is no such package of ours")
        project = ROOT / ("runtime/pyproject.toml" if match[1] == "albert-runtime" else "pyproject.toml")
        extras = re.findall(r"^([\w-]+) = \[", project.read_text(encoding="utf-8"), re.MULTILINE)
        if unknown := set(filter(None, (match[2] or "").split(","))) - set(extras):
            raise ValueError(f"pip install {requirement}: {project} has no extra {', '.join(unknown)}")
    return ":"


def _make(arguments: Sequence[str]) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for argument in arguments:
        name = argument.partition("=")[0]
        if not re.search(rf"^{name}{' .=' if '=' in argument else ':'}", makefile, re.MULTILINE):
            raise ValueError(f"make {argument}: the Makefile has no {name}")
    return ":"


def _pytest(arguments: Sequence[str]) -> str:
    paths = [one for one in arguments if one.startswith("tests/")]
    if not paths or not all((ROOT / path).exists() for path in paths):
        raise ValueError(f"pytest {' '.join(arguments)}: not all of these paths exist")
    return ":"


def _copy_to_another_machine(arguments: Sequence[str]) -> str:
    *options, source, target = arguments
    if not set(options) <= {"-r"} or ":" not in target:
        raise ValueError(f"scp {' '.join(arguments)}: write it as scp -r FOLDER MACHINE:")
    return f"test -e {shlex.quote(source)}"


def _slow_tool(tool: str) -> Callable[[Sequence[str]], str]:
    def check(arguments: Sequence[str]) -> str:
        options = [one.partition("=")[0] for one in arguments if one.startswith("--")]
        shown = "".join(f" && grep -q -e {option} help.txt" for option in options)
        return f"python -m {tool} --help > help.txt{shown} && rm help.txt"

    return check


#: the beginning of a line that is not run -> the check of the rest of the line, which returns what is run instead
def _web(_arguments: Sequence[str]) -> str | None:
    """A checkout builds the page with npm, which may be missing."""
    return None if shutil.which("npm") or (ROOT / "albert_export" / "web" / "assets").is_dir() else ":"


CHECKED: dict[tuple[str, ...], Callable[[Sequence[str]], str | None]] = {
    ("albert-export", "web"): _web,
    ("pip", "install"): _pip,
    ("make",): _make,
    ("scp",): _copy_to_another_machine,
    ("python", "-m", "pytest"): _pytest,
    **{("python", "-m", tool): _slow_tool(tool) for tool in SLOW_TOOLS},
}
