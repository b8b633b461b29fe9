"""Linear layers of the PyTorch reference: forward hooks on them, and layers that are split at their outlier inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from albert_export.quantization.outlier_channels import ForwardHook


class SplitLinear(nn.Module):
    """A linear layer that multiplies its last input channels separately; it computes what `linear` computes.

    Quantizers then choose one range for the main channels and another one for the outliers.

    Args:
        linear: the layer that is replaced; its weights are copied.
        outliers: the number of its last input channels to split off.
    """

    def __init__(self, linear: nn.Linear, outliers: int) -> None:
        super().__init__()
        self.sizes = [linear.in_features - outliers, outliers]
        self.main = nn.Linear(self.sizes[0], linear.out_features)
        self.outliers = nn.Linear(outliers, linear.out_features, bias=False)
        with torch.no_grad():
            main_weight, outlier_weight = linear.weight.split(self.sizes, dim=1)
            self.main.weight.copy_(main_weight)
            self.main.bias.copy_(linear.bias)
            self.outliers.weight.copy_(outlier_weight)

    def forward(self, x: Tensor) -> Tensor:
        main, outliers = x.split(self.sizes, dim=-1)
        return self.main(main) + self.outliers(outliers)


def shared_linears(reference: nn.Module) -> dict[str, nn.Module]:
    """Return the linear layers within the shared layers, by their path in the reference, in the order they run."""
    return {
        name: module
        for name, module in reference.named_modules()
        if isinstance(module, nn.Linear) and "albert_layer_groups" in name
    }


def run_with_forward_hooks(
    reference: nn.Module, samples: Iterable[Mapping[str, NDArray[Any]]], hook: ForwardHook
) -> None:
    """Run the samples; `hook` is called with the path and the inputs `[rows, channels]` of each shared linear layer.

    It is called in every pass, and the reference is left without hooks.
    """

    def pre_hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def call(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            hook(name, inputs[0].reshape(-1, inputs[0].shape[-1]).numpy())

        return call

    handles = [module.register_forward_pre_hook(pre_hook(name)) for name, module in shared_linears(reference).items()]
    try:
        with torch.inference_mode():
            for sample in samples:
                reference(**{name: torch.from_numpy(array).long() for name, array in sample.items()})
    finally:
        for handle in handles:
            handle.remove()


def split_linears(reference: nn.Module, outliers: Mapping[str, int]) -> None:
    """Replace linear layers by ones that multiply their last input channels separately.

    Args:
        reference: the model to change.
        outliers: the path of each layer to split, with the number of its last input channels to split off.
    """
    for path, count in outliers.items():
        parent, _, name = path.rpartition(".")
        owner = reference.get_submodule(parent)
        setattr(owner, name, SplitLinear(getattr(owner, name), count).eval())


def reorder_hidden(reference: nn.Module, order: NDArray[Any]) -> None:
    """Make the encoder reorder the channels of its last hidden state before it returns it.

    Args:
        reference: the model to change.
        order: for each channel of the result, the channel of the computed state that it is taken from.
    """
    encoder: Any = getattr(reference, "albert", reference)
    encoder.encoder.hidden_order = torch.from_numpy(order.copy())


def weight(linear: nn.Linear) -> NDArray[Any]:
    """The weight matrix of a linear layer, `[outputs, inputs]`."""
    return linear.weight.detach().numpy()
