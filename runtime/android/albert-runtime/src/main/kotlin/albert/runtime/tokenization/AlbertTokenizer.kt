package albert.runtime.tokenization

import albert.runtime.UnsupportedError
import albert.runtime.UsageError
import albert.runtime.bundle.BundleFiles
import albert.runtime.listed
import albert.runtime.tokenization.fast.FastSplitter

/**
 * Text to token ids and back, exactly like Hugging Face's tokenizers (transformers 4.57). The twin of `tokenizer.py`.
 *
 * First, the special tokens and the added tokens that are written in a text are separated. The parts between them are
 * normalized and split into pieces. With a vocabulary of SentencePiece, the rules are those of Hugging Face's slow
 * AlbertTokenizer, and pieces such as "1999," are split again before their comma; with one of WordPiece, those of its slow
 * BertTokenizer. A bundle may say that the rules of its tokenizer.json replace these. Lone surrogates count as U+FFFD.
 *
 * Spans count UTF-16 units, so that `text.substring(start, end)` works; Python's count code points. A tokenizer does not
 * change after construction, so threads may share it.
 *
 * @property vocabularyFile what messages call the file of the vocabulary
 * @property modelMaxLength the most tokens in a sequence if a call does not say; Int.MAX_VALUE for no limit
 */
class AlbertTokenizer private constructor(
    val vocabularyFile: String,
    private val model: PieceModel,
    private val splitter: TextSplitter,
    vocabulary: Vocabulary,
    specialTokens: SpecialTokens,
    givesTokenTypeIds: Boolean,
    val modelMaxLength: Int,
    /** Whether the vocabulary is a vocab.txt, split by the rules of a BertTokenizer. */
    val isWordPiece: Boolean,
) : SequenceLayout(vocabulary, specialTokens, givesTokenTypeIds) {
    /** The number of pieces, without the added tokens; see [size]. */
    val vocabSize: Int get() = model.size

    /** One more than the largest id, added tokens included; a model needs so many word embeddings. */
    val size: Int get() = vocabulary.size

    /**
     * The sequence of a text or a pair, or its windows, if [options] ask for them.
     *
     * @throws UsageError the options don't fit each other or the texts
     */
    fun encode(text: String, pair: String? = null, options: EncodeOptions = EncodeOptions()): List<Encoding> =
        encodeAll(listOf(text), pair?.let(::listOf), options)

    /**
     * The sequences of several texts or pairs, in order.
     *
     * @param texts the texts
     * @param pairs the second text of each pair; null for no pairs
     * @throws UsageError the options don't fit each other or the texts; the message lists all texts that are wrong
     */
    fun encodeAll(texts: List<String>, pairs: List<String>? = null, options: EncodeOptions = EncodeOptions()): List<Encoding> {
        if (pairs != null && pairs.size != texts.size) {
            throw UsageError("there are ${texts.size} texts and ${pairs.size} in text_pair; each text needs one")
        }
        val limit = lengthLimit(options.maxLength)
        val strategy = truncationStrategy(options, hasPair = pairs != null)
        val room = if (strategy == null || limit == null) null else room(limit, options, hasPair = pairs != null)
        val cut = Truncation(strategy ?: "longest_first", options.stride, options.returnOverflowingTokens)
        val secondType = if (options.addSpecialTokens && givesTokenTypeIds) 1 else 0
        val encodings = ArrayList<Encoding>(texts.size)
        val problems = ArrayList<String>()
        for ((sample, text) in texts.withIndex()) {
            val first = tokensOf(text, sample = sample)
            val second = pairs?.let { tokensOf(it[sample], sequence = 1, sample = sample, typeId = secondType) }
            try {
                for (window in cut.windows(first.size, second?.size, room)) {
                    encodings += layOut(first, second, window, options.addSpecialTokens)
                }
            } catch (error: UsageError) {
                problems += "text $sample: ${error.message}"
            }
        }
        if (problems.isNotEmpty()) throw UsageError(listed("these texts can't be cut as asked for:", problems))
        val length = paddedLength(options, limit, encodings.maxOfOrNull { it.size } ?: 0) ?: return encodings
        if (strategy != null && limit != null && length > limit) {
            throw UsageError(
                "sequences are cut to max_length=$limit, which is not a multiple of " +
                    "pad_to_multiple_of=${options.padToMultipleOf}; make it one",
            )
        }
        return encodings.map { it.padded(length, specialTokens.pad, padTokenId) }
    }

    /** The tokens of [text], without [CLS] and [SEP]. */
    fun tokenize(text: String): List<String> = tokensOf(text).tokens

    /**
     * The text of token ids. It is normalized, so it may differ from the text that the ids were made from.
     *
     * @throws UsageError an id is not in the vocabulary
     */
    fun decode(ids: IntArray, skipSpecialTokens: Boolean = false): String =
        vocabulary.decode(convertIdsToTokens(ids), skipSpecialTokens)

    /** A piece without the mark that says whether it begins a word, which may be empty; another token as it is. */
    fun spelling(token: String): String = if (token in vocabulary.added) token else model.spelling(token)

    /** Whether a word begins with [token]. */
    fun startsWord(token: String): Boolean = token in vocabulary.beyondPieces || model.startsWord(token)

    /** The id of each token; the id of the unknown token for one that is not in the vocabulary. */
    fun convertTokensToIds(tokens: List<String>): IntArray = IntArray(tokens.size) { vocabulary.idOf(tokens[it]) }

    /**
     * The token of each id.
     *
     * @throws UsageError an id is not in the vocabulary
     */
    fun convertIdsToTokens(ids: IntArray): List<String> = vocabulary.tokensOf(ids)

    /**
     * The beginning of a very long text, with at least [tokens] tokens, which are the first ones of the whole text. A shorter
     * text is returned as it is.
     */
    fun beginning(text: String, tokens: Int): String {
        val start = beginningOf(text, tokens)
        // An added token may hold several of the words that `beginningOf` counts.
        return if (start.length == text.length || tokensOf(start).size >= tokens) start else text
    }

    /** The tokens of one text; the only special or added tokens are those that are written in it. */
    private fun tokensOf(text: String, sequence: Int = 0, sample: Int = 0, typeId: Int = 0): Encoding {
        val sections = splitter.sections(text)
        val size = sections.sumOf { it.size }
        val tokens = ArrayList<String>(size)
        val starts = IntArray(size)
        val ends = IntArray(size)
        val words = IntArray(size)
        var word = -1
        for (section in sections) {
            for ((index, piece) in section.withIndex()) {
                if (index == 0 || model.startsWord(piece.piece)) word++
                words[tokens.size] = word
                starts[tokens.size] = piece.start
                ends[tokens.size] = piece.end
                tokens += piece.piece
            }
        }
        return Encoding(
            ids = convertTokensToIds(tokens),
            typeIds = IntArray(size) { typeId },
            attentionMask = IntArray(size) { 1 },
            specialTokensMask = IntArray(size),
            tokens = tokens,
            starts = starts,
            ends = ends,
            wordIds = words,
            sequenceIds = IntArray(size) { sequence },
            sample = sample,
        )
    }

    private fun lengthLimit(maxLength: Int?): Int? {
        if (maxLength == null) return modelMaxLength.takeIf { it < Int.MAX_VALUE }
        if (maxLength < 1) throw UsageError("max_length=$maxLength is not a number of tokens; it must be 1 or more")
        return maxLength
    }

    /** The most tokens of the texts in a sequence of [limit] tokens. */
    private fun room(limit: Int, options: EncodeOptions, hasPair: Boolean): Int {
        val added = if (!options.addSpecialTokens) 0 else if (hasPair) 3 else 2
        if (limit - added < 1) {
            throw UsageError("max_length=$limit leaves no room for text: the special tokens take $added")
        }
        return limit - added
    }

    companion object {
        private const val VOCABULARY_FILE = "spiece.model"
        private const val WORDPIECE_FILE = "vocab.txt"

        /** The limit of tokenizers whose files name none: the positions of the published models. */
        private const val USUAL_LIMIT = 512

        /**
         * The tokenizer of a bundle: its vocabulary, with the settings of tokenizer_config.json.
         *
         * @param files the files of the bundle
         * @param modelMaxLength the most tokens in a sequence, if tokenizer_config.json names no limit
         * @throws UnsupportedError the vocabulary is missing or damaged, or the settings ask for another kind of tokenizer
         */
        fun fromFiles(files: BundleFiles, modelMaxLength: Int = USUAL_LIMIT): AlbertTokenizer {
            val config = readTokenizerConfig(files)
            val rules = if (config.followsTokenizerJson) readFastRules(files) else null
            val file = TokenizerFile(files, if (config.wordpiece != null) WORDPIECE_FILE else VOCABULARY_FILE)
            val special = config.specialTokens
            // A special token that appears only when control characters are dropped stays whole, too.
            val kept = (special.contents + config.additionalSpecialTokens).toSet()
            val model = rules?.model
                ?: if (config.wordpiece != null) WordPieceModel(file.toString(), special.unk, readVocabularyLines(file))
                else SentencePieceModel(file, splitsCommas = !config.sentencepieceOnly)
            val vocabulary =
                Vocabulary(model, special, rules?.added?.tokens ?: config.addedTokens, config.additionalSpecialTokens)
            val doLowerCase = config.doLowerCase && !config.sentencepieceOnly
            val splitter = if (rules != null) {
                FastSplitter(rules)
            } else {
                val normalizer = when {
                    config.sentencepieceOnly -> TextNormalizer { it }
                    config.wordpiece != null -> config.wordpiece.keeping(kept)
                    else -> Normalizer(doLowerCase, config.removeSpace, config.keepAccents)
                }
                SlowSplitter(vocabulary.added, normalizer, model, doLowerCase)
            }
            return AlbertTokenizer(
                file.toString(), model, splitter, vocabulary, special, config.givesTokenTypeIds,
                config.modelMaxLength ?: modelMaxLength, isWordPiece = config.wordpiece != null,
            )
        }
    }
}
