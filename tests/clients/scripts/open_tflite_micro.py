"""Opens TFLite files with tflite-micro: the error of each, and what it wrote to stderr; None where there is none."""

import json
import os
import sys
import tempfile

from tflite_micro import runtime

request = json.load(sys.stdin)
found = []
for model in request["models"]:
    # It writes its reasons to the file descriptor, not to sys.stderr.
    with tempfile.TemporaryFile() as reasons:
        kept = os.dup(2)
        os.dup2(reasons.fileno(), 2)
        try:
            runtime.Interpreter.from_file(model, arena_size=request["arena_size"])
            error = None
        except RuntimeError as refusal:
            error = str(refusal)
        finally:
            os.dup2(kept, 2)
        reasons.seek(0)
        said = reasons.read().decode(errors="replace")
    found.append(None if error is None else f"{error}: {said}")
print(json.dumps(found))
