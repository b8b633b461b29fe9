"""The PyTorch reference's dense layers: what goes into them, and the same layers with their last inputs apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class SplitLinear(nn.Module):
    """A dense layer that multiplies its last input channels apart: equal to the layer it is made of.

    Quantizers then find one range for the main channels and another for the outliers.
    """

    def __init__(self, dense: nn.Linear, outliers: int) -> None:
        super().__init__()
        self.sizes = [dense.in_features - outliers, outliers]
        self.main = nn.Linear(self.sizes[0], dense.out_features)
        self.outliers = nn.Linear(outliers, dense.out_features, bias=False)
        with torch.no_grad():
            main, apart = dense.weight.split(self.sizes, dim=1)
            self.main.weight.copy_(main)
            self.main.bias.copy_(dense.bias)
            self.outliers.weight.copy_(apart)

    def forward(self, x: Tensor) -> Tensor:
        main, outliers = x.split(self.sizes, dim=-1)
        return self.main(main) + self.outliers(outliers)


def shared_products(reference: nn.Module) -> dict[str, nn.Module]:
    """The dense layers of the shared layers, by their path in the reference, in the order of the graph."""
    return {
        name: module
        for name, module in reference.named_modules()
        if isinstance(module, nn.Linear) and "albert_layer_groups" in name
    }


def watch_products(
    reference: nn.Module,
    samples: Iterable[Mapping[str, NDArray[Any]]],
    visit: Callable[[str, NDArray[Any]], None],
) -> None:
    """Runs the samples; `visit` is called with each shared product's path and inputs, `[rows, channels]`."""

    def watching(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            visit(name, inputs[0].reshape(-1, inputs[0].shape[-1]).numpy())

        return hook

    hooks = [module.register_forward_pre_hook(watching(name)) for name, module in shared_products(reference).items()]
    try:
        with torch.inference_mode():
            for sample in samples:
                reference(**{name: torch.from_numpy(array).long() for name, array in sample.items()})
    finally:
        for hook in hooks:
            hook.remove()


def split_products(reference: nn.Module, outliers: Mapping[str, int]) -> None:
    """Replaces each named product by one whose last so many input channels are multiplied apart."""
    for path, count in outliers.items():
        parent, _, name = path.rpartition(".")
        owner = reference.get_submodule(parent)
        setattr(owner, name, SplitLinear(getattr(owner, name), count).eval())


def reorder_hidden(reference: nn.Module, order: NDArray[Any]) -> None:
    """Has the encoder give its last hidden state's channels in `order`: where each stands in what it computes."""
    encoder: Any = getattr(reference, "albert", reference)
    encoder.encoder.hidden_order = torch.from_numpy(order.copy())


def weight(product: nn.Linear) -> NDArray[Any]:
    """The matrix of a product, `[outputs, inputs]`."""
    return product.weight.detach().numpy()
