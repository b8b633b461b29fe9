package albert.runtime.tokenization

/** The role, as tokenizer_config.json names it -> the token that has it in ALBERT's vocabularies of SentencePiece. */
internal val TOKEN_OF_ROLE = linkedMapOf(
    "bos_token" to "[CLS]",
    "eos_token" to "[SEP]",
    "unk_token" to "<unk>",
    "sep_token" to "[SEP]",
    "pad_token" to "<pad>",
    "cls_token" to "[CLS]",
    "mask_token" to "[MASK]",
)

/** The same for the vocabularies of WordPiece, which are BERT's. */
internal val WORDPIECE_TOKEN_OF_ROLE = linkedMapOf(
    "unk_token" to "[UNK]",
    "sep_token" to "[SEP]",
    "pad_token" to "[PAD]",
    "cls_token" to "[CLS]",
    "mask_token" to "[MASK]",
)

/**
 * The tokens that have a role. Several roles may have the same token, as the separator and the end do.
 *
 * @property bos the beginning of a sequence in other models; ALBERT's sequences do not use it
 * @property eos the end of a sequence in other models
 */
data class SpecialTokens(
    val pad: String, val unk: String, val cls: String, val sep: String, val mask: String, val bos: String?, val eos: String?,
) {
    /** The token of each role that has one; the order is Hugging Face's. */
    internal val inOrderOfRoles: List<String> get() = listOfNotNull(bos, eos, unk, sep, pad, cls, mask)

    /** Each token once: padding, unknown, beginning, separator and mask, as in ALBERT's vocabularies, and others. */
    internal val contents: List<String> get() = listOfNotNull(pad, unk, cls, sep, mask, bos, eos).distinct()

    internal companion object {
        /** The tokens of a map such as [TOKEN_OF_ROLE]. */
        fun ofRoles(roles: Map<String, String>): SpecialTokens = SpecialTokens(
            roles.getValue("pad_token"), roles.getValue("unk_token"), roles.getValue("cls_token"),
            roles.getValue("sep_token"), roles.getValue("mask_token"), roles["bos_token"], roles["eos_token"],
        )
    }
}
