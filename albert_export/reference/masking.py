"""How padding is hidden from attention: one policy for every framework and graph."""

from __future__ import annotations

#: Added to the attention scores of padding. Google's value: softmax makes it exactly 0 in float32, and unlike
#: Hugging Face's finfo.min it neither overflows in float16 nor swallows the scores that it is added to.
MASK_VALUE = -10000.0
#: the same in words, for manifests
MASK_POLICY = f"additive, {MASK_VALUE:g} on padding"
