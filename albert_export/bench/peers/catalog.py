"""The peers: what each is, the packages that it needs, and the module that measures it."""

from __future__ import annotations

from dataclasses import dataclass

_TRANSFORMERS = ("torch", "transformers", "sentencepiece", "protobuf")
_OPTIMUM = (*_TRANSFORMERS, "optimum-onnx", "onnxruntime")
_OPENVINO = (*_TRANSFORMERS, "openvino")
#: what pip is asked for instead of the bare name: optimum-onnx, and answers to questions, need transformers below 5
_REQUIREMENTS = {"transformers": "'transformers<5'"}


@dataclass(frozen=True)
class Peer:
    """A tool that runs the checkpoint which the bundles were made from."""

    name: str
    precision: str
    #: the distributions, as pip calls them
    packages: tuple[str, ...]
    #: what it is, for the help and the documentation
    summary: str
    #: the peer whose conversion this one starts from
    converts_from: str | None = None
    #: whether the checkpoint is converted before it is measured
    converts: bool = True

    def missing(self, versions: dict[str, str | None]) -> list[str]:
        """Return the packages that are not among `versions`, which has None for those that are not installed."""
        return [package for package in self.packages if versions.get(package) is None]

    def pip_line(self, python: str) -> str:
        """Return the command that installs all that the peer needs."""
        wanted = (_REQUIREMENTS.get(package, package) for package in self.packages)
        return f"{python} -m pip install {' '.join(wanted)}"


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "transformers", "fp32", _TRANSFORMERS,
            "the model of transformers, run eagerly, and its pipeline", converts=False,
        ),
        Peer("torch-compile", "fp32", _TRANSFORMERS, "the same, with model.compile(dynamic=True)", converts=False),
        Peer("optimum", "fp32", _OPTIMUM, "optimum-onnx's export in ONNX Runtime"),
        Peer(
            "optimum-int8", "int8", _OPTIMUM,
            "its ORTQuantizer, with the configuration for the processor", converts_from="optimum",
        ),
        Peer(
            "ort-dynamic", "int8", _OPTIMUM,
            "its export through ONNX Runtime's quant_pre_process and quantize_dynamic", converts_from="optimum",
        ),
        Peer("openvino", "fp32", _OPENVINO, "openvino.convert_model"),
        Peer(
            "openvino-int8", "int8", (*_OPENVINO, "nncf"),
            "nncf.quantize: weights and activations", converts_from="openvino",
        ),
    )
}  # fmt: skip
