"""SpecialTokens: which token of a vocabulary has which role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAD_TOKEN, UNK_TOKEN, CLS_TOKEN, SEP_TOKEN, MASK_TOKEN = "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"

#: the role, as tokenizer_config.json names it -> the token that has it in ALBERT's vocabularies of SentencePiece
TOKEN_OF_ROLE = {
    "bos_token": CLS_TOKEN,
    "eos_token": SEP_TOKEN,
    "unk_token": UNK_TOKEN,
    "sep_token": SEP_TOKEN,
    "pad_token": PAD_TOKEN,
    "cls_token": CLS_TOKEN,
    "mask_token": MASK_TOKEN,
}
#: the same for the vocabularies of WordPiece, which are BERT's
WORDPIECE_TOKEN_OF_ROLE = {
    "unk_token": "[UNK]",
    "sep_token": SEP_TOKEN,
    "pad_token": "[PAD]",
    "cls_token": CLS_TOKEN,
    "mask_token": MASK_TOKEN,
}


@dataclass(frozen=True)
class SpecialTokens:
    """The tokens that have a role. Several roles may have the same token, as the separator and the end do."""

    pad: str = PAD_TOKEN
    unk: str = UNK_TOKEN
    cls: str = CLS_TOKEN
    sep: str = SEP_TOKEN
    mask: str = MASK_TOKEN
    #: the beginning and the end of a sequence in other models; ALBERT's sequences do not use them
    bos: str | None = CLS_TOKEN
    eos: str | None = SEP_TOKEN

    @classmethod
    def of_roles(cls, roles: Mapping[str, str]) -> SpecialTokens:
        """The tokens of a mapping such as TOKEN_OF_ROLE."""
        required = {name: roles[f"{name}_token"] for name in ("pad", "unk", "cls", "sep", "mask")}
        return cls(**required, bos=roles.get("bos_token"), eos=roles.get("eos_token"))

    @property
    def roles(self) -> dict[str, str]:
        """Role -> token, without roles that no token has; the order is Hugging Face's."""
        names = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
        return {f"{name}_token": getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def contents(self) -> tuple[str, ...]:
        """Each token once: padding, unknown, beginning, separator and mask, as in ALBERT's vocabularies, and others."""
        tokens = (self.pad, self.unk, self.cls, self.sep, self.mask, self.bos, self.eos)
        return tuple(dict.fromkeys(token for token in tokens if token is not None))


ALBERT_TOKENS = SpecialTokens()
