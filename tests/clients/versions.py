"""The version of every package that clients are installed from: here and nowhere else."""

from __future__ import annotations

OPENVINO = "openvino==2026.4.1"
MEDIAPIPE = "mediapipe==1.2.3"
MEDIAPIPE_WEB = "@mediapipe/tasks-text@1.0.1"
LITERT = "ai-edge-litert==2.3.0"
ONNX = "onnx==1.23.2"
ONNX_RUNTIME = "onnxruntime==1.32.0"
OPTIMUM = "optimum-onnx==0.1.0"
SENTENCE_TRANSFORMERS = "sentence-transformers==5.7.0"
TRANSFORMERS_5 = "transformers==5.24.0"
TRANSFORMERS_JS = "@huggingface/transformers@4.3.1"
ONNXSIM = "onnxsim==0.8.1"
ONNXSLIM = "onnxslim==0.1.98"
NNCF = "nncf==3.4.0"
TFLITE_MICRO = "tflite-micro==0.dev20261023182759"


def version_of(requirement: str) -> str:
    """The version that a requirement of pip or a package of npm ends with: "openvino==2026.4.1", "esbuild@0.28.2"."""
    return requirement.replace("==", "@").rpartition("@")[2]
