"""An ONNX file as its protocol buffer: the first look at a file that any tool may have made."""

from __future__ import annotations

from pathlib import Path

import onnx

from albert_runtime.errors import UnsupportedError, UsageError


def parse_onnx(path: Path) -> onnx.ModelProto:
    """The model in the file at `path`; weights that stand in files beside it are not loaded.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph, or damaged.
    """
    try:
        return onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror or error}") from error
    except Exception as error:  # protobuf's DecodeError
        raise UnsupportedError(f"{path} is not an ONNX graph, or is cut short; fetch or export it again") from error
