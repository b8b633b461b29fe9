package albert.runtime.tokenization

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.bundle.BundleFiles
import albert.runtime.listed
import albert.runtime.tokenization.fast.FastRules
import java.util.logging.Logger

// The settings of the tokenizer in a bundle. The twin of `config.py`.

private const val CONFIG_FILE = "tokenizer_config.json"
internal const val FAST_TOKENIZER_FILE = "tokenizer.json"

/** The value of "tokenizer_class" -> whether the vocabulary is WordPiece's (a vocab.txt), and not SentencePiece's. */
private val CLASSES = linkedMapOf("AlbertTokenizer" to false, "BertTokenizer" to true, JAPANESE to true)
private const val JAPANESE = "BertJapaneseTokenizer"

/** The field of this project, which Hugging Face ignores: texts are split as tokenizer.json says, or by SentencePiece alone. */
private const val RULES_FIELD = "tokenizer_rules"
private val FLAGS = listOf("do_lower_case", "remove_space", "keep_accents", "tokenize_chinese_chars", "strip_accents")

/** The keys of "sp_model_kwargs" that leave the pieces of a text as they are if they are false. */
private val HARMLESS_IF_FALSE = setOf("add_bos", "add_eos", "reverse", "emit_unk_piece", "enable_sampling")

/** These have an effect only if sampling is enabled. */
private val HARMLESS = setOf("alpha", "nbest_size", "num_threads")

/** The settings in tokenizer_config.json that an ALBERT tokenizer needs. */
internal class TokenizerConfig(
    val doLowerCase: Boolean,
    val removeSpace: Boolean,
    val keepAccents: Boolean,
    /** The most tokens in a sequence; Int.MAX_VALUE for no limit, null if the file does not say. */
    val modelMaxLength: Int?,
    /** The tokens that have a role. */
    val specialTokens: SpecialTokens,
    /** These and the tokens that were added to the vocabulary. */
    val addedTokens: List<AddedToken>,
    /** Those of them that are special, besides those that have a role. */
    val additionalSpecialTokens: List<String>,
    /** How the words of a WordPiece vocabulary are found; null for a vocabulary of SentencePiece. */
    val wordpiece: BertNormalizer?,
    val followsTokenizerJson: Boolean,
    val sentencepieceOnly: Boolean,
    val givesTokenTypeIds: Boolean,
)

/**
 * The settings in [files]; if the file or a setting is absent, the default is used. Every setting that makes Hugging Face's
 * tokenizer give other ids is either followed or refused.
 *
 * @throws UnsupportedError a file can't be read, or asks for a tokenizer that gives other ids than this one; the message
 *   lists every such setting
 */
internal fun readTokenizerConfig(files: BundleFiles): TokenizerConfig {
    val file = TokenizerFile(files, CONFIG_FILE)
    val settings = file.readObject()
    val kind = (settings["tokenizer_class"]?.takeIf(::isTrue)?.let { it as? String ?: PythonText.repr(it) } ?: "AlbertTokenizer")
        .removeSuffix("Fast")
    val isWordPiece = CLASSES[kind] ?: false
    val problems = ArrayList<String>()
    val flags = readFlags(settings, problems)
    val japanese = kind == JAPANESE // it has other defaults, and never separates Chinese characters
    val doLowerCase = flags["do_lower_case"] ?: !(isWordPiece && japanese)
    val chinese = flags["tokenize_chinese_chars"] ?: true
    val length = settings["model_max_length"] ?: settings["max_len"]
    val limit = lengthLimit(length)
    if (length != null && limit == null) {
        problems += "model_max_length is ${PythonText.repr(length)}, and must be a positive whole number"
    }
    val usual = if (isWordPiece) WORDPIECE_TOKEN_OF_ROLE else TOKEN_OF_ROLE
    val tokens = readTokens(settings, files, usual, maskTakesSpace = !isWordPiece)
    val follows = settings[RULES_FIELD] == "fast"
    problems += behaviourProblems(settings)
    if (!follows) problems += tokens.problems + classProblems(kind, isWordPiece, settings) + slowProblems(settings)
    if (problems.isNotEmpty()) throw UnsupportedError(listed("$file asks for a tokenizer that can't be made:", problems))
    if (settings["padding_side"] == "left") warnOfLeftPadding(file)
    val sentencepieceOnly = settings[RULES_FIELD] == "sentencepiece"
    return TokenizerConfig(
        doLowerCase,
        removeSpace = flags["remove_space"].let { it ?: true } && !isWordPiece && !sentencepieceOnly,
        keepAccents = (flags["keep_accents"] ?: false) || sentencepieceOnly,
        limit,
        SpecialTokens.ofRoles(tokens.roles),
        tokens.tokens,
        tokens.additional,
        if (isWordPiece) BertNormalizer(doLowerCase, flags["strip_accents"], chinese && !japanese) else null,
        follows,
        sentencepieceOnly,
        givesTokenTypeIds(settings),
    )
}

/**
 * The rules in the tokenizer.json of [files].
 *
 * @throws UnsupportedError the file is missing, can't be read, or has rules that are not supported
 */
internal fun readFastRules(files: BundleFiles): FastRules {
    val file = TokenizerFile(files, FAST_TOKENIZER_FILE)
    if (!file.exists) {
        throw UnsupportedError("$file is missing, which ${TokenizerFile(files, CONFIG_FILE)} says to follow")
    }
    return FastRules.of(file.readObject(), file.toString())
}

/** The settings that are read as they are; null means false, except that "strip_accents" is what "do_lower_case" is then. */
private fun readFlags(settings: Map<*, *>, problems: MutableList<String>): Map<String, Boolean> {
    val found = HashMap<String, Boolean>()
    for (name in FLAGS) {
        if (name !in settings) continue
        when (val value = settings[name]) {
            is Boolean -> found[name] = value
            null -> if (name != "strip_accents") found[name] = false
            0L, 0.0, 1L, 1.0 -> found[name] = isTrue(value)
            else -> problems += "$name is ${PythonText.repr(value)}, and must be true or false"
        }
    }
    return found
}

/** A limit of tokens; null if [value] is no positive whole number. Hugging Face writes 1e30 for "no limit". */
private fun lengthLimit(value: Any?): Int? {
    val number = when (value) {
        is Long -> value.toDouble()
        is Double -> value
        else -> return null
    }
    if (number < 1 || number.isInfinite() || number.isNaN() || number != Math.rint(number)) return null
    return if (number >= Int.MAX_VALUE) Int.MAX_VALUE else number.toInt()
}

/**
 * Whether the second text of a pair has token type 1. The AlbertTokenizer of transformers 5, whose files name a "backend",
 * gives no types, so its models see zeros.
 */
private fun givesTokenTypeIds(settings: Map<*, *>): Boolean {
    val names = settings["model_input_names"]
    if (names is List<*>) return "token_type_ids" in names
    return "backend" !in settings || settings["tokenizer_class"] != "AlbertTokenizer"
}

/** What of the tokenizer's class is not supported. */
private fun classProblems(kind: String, isWordPiece: Boolean, settings: Map<*, *>): List<String> {
    if (kind == JAPANESE) {
        val words = settings["word_tokenizer_type"]
        val pieces = settings["subword_tokenizer_type"]
        if ((!isTrue(words) || words == "basic") && (!isTrue(pieces) || pieces == "wordpiece")) return emptyList()
        return listOf(
            "tokenizer_class is '$kind' with word_tokenizer_type ${PythonText.repr(words)} and subword_tokenizer_type " +
                "${PythonText.repr(pieces)}, which needs a morphological analyser such as MeCab; only 'basic' with 'wordpiece' " +
                "is supported. Split the texts yourself, export with --no-tokenizer, and give the token ids",
        )
    }
    if (CLASSES[kind] == isWordPiece) return emptyList()
    return listOf(
        "tokenizer_class is ${PythonText.repr(kind)}; supported are ${CLASSES.keys.joinToString(", ")}, and these with Fast; if " +
            "the model was trained with spiece.model, set it to AlbertTokenizer, and with vocab.txt, to BertTokenizer",
    )
}

/** The settings that make a tokenizer split texts, or cut them, in another way. */
private fun behaviourProblems(settings: Map<*, *>): List<String> {
    val problems = ArrayList<String>()
    if (settings["padding_side"] !in listOf("left", "right", null)) {
        problems += "padding_side is ${PythonText.repr(settings["padding_side"])}; it must be 'left' or 'right'"
    }
    if (settings["truncation_side"] !in listOf("right", null)) {
        problems += "truncation_side is ${PythonText.repr(settings["truncation_side"])}; only 'right' is supported: 'left' would " +
            "keep other tokens of long texts"
    }
    if (isTrue(settings["split_special_tokens"])) {
        problems += "split_special_tokens is true, so that a \"[SEP]\" or \"[MASK]\" in a text is split like a word; this is not " +
            "supported"
    }
    return problems
}

/** The settings that make a slow tokenizer split texts in another way. */
private fun slowProblems(settings: Map<*, *>): List<String> {
    val problems = ArrayList<String>()
    if (settings["do_basic_tokenize"] == false) {
        problems += "do_basic_tokenize is false, so that texts are split at white space only; this is not supported"
    }
    if (settings["add_prefix_space"] == false) {
        problems += "add_prefix_space is false, which Hugging Face's fast tokenizer follows and its slow one does not; only true " +
            "is supported, where both give the same ids"
    }
    val options = settings["sp_model_kwargs"].takeIf(::isTrue) ?: return problems
    if (options !is Map<*, *>) {
        return problems + "sp_model_kwargs is ${PythonText.repr(options)}, and must be a table"
    }
    for ((name, value) in options) {
        val isFalse = value == false || value == 0L || value == 0.0
        if (name in HARMLESS || (name in HARMLESS_IF_FALSE && isFalse)) continue
        val reason = if (name == "enable_sampling") " (it splits the same text in another way each time)" else ""
        problems += "sp_model_kwargs sets $name to ${PythonText.repr(value)}$reason, which is not supported"
    }
    return problems
}

/**
 * Logs what left padding means. The mask hides padding on either side, but Hugging Face's ALBERT counts positions from the
 * beginning of the row, so that a text behind padding has higher ones.
 */
private fun warnOfLeftPadding(file: TokenizerFile) = Logger.getLogger("albert.runtime").warning(
    "$file: padding_side is 'left'; answers are those of texts without padding, which training on padded batches may have seen " +
        "at other positions",
)
