package albert.runtime

import albert.runtime.bundle.Bundle
import albert.runtime.bundle.Manifest
import albert.runtime.bundle.VOCABULARY_FILE
import albert.runtime.bundle.WORDPIECE_FILE
import albert.runtime.engines.Engine
import albert.runtime.engines.IdTensor
import albert.runtime.tokenization.AlbertTokenizer
import albert.runtime.tokenization.EncodeOptions
import albert.runtime.tokenization.Encoding
import java.io.Closeable
import java.util.logging.Logger

internal val LOGGER: Logger = Logger.getLogger("albert_runtime")

internal val WITHOUT_SPECIAL_TOKENS = EncodeOptions(addSpecialTokens = false)

/**
 * What a session is made of.
 *
 * @property tokenizer null if the bundle has none and takes token ids only
 */
class SessionParts internal constructor(val bundle: Bundle, val tokenizer: AlbertTokenizer?, val engine: Engine)

/**
 * A loaded bundle that answers requests: text -> tokenizer -> engine -> postprocessing -> answer. The twin of `session.py`.
 *
 * A session may be used from several threads at once. Before each run of the graph, that is before each window of a long
 * text, a call looks whether its thread was interrupted, and then throws an [InterruptedException]; so
 * `kotlinx.coroutines.runInterruptible` cancels it. A run that has begun is not broken off. [close] frees the model.
 */
abstract class AlbertSession internal constructor(parts: SessionParts) : Closeable {
    val bundle: Bundle = parts.bundle
    val manifest: Manifest = parts.bundle.manifest
    val engine: Engine = parts.engine

    /** The most tokens in one sequence, special tokens included. */
    val maxLength: Int = parts.bundle.maxLength

    /** The full name of the task. */
    val task: String get() = manifest.task

    private val ownTokenizer: AlbertTokenizer? = parts.tokenizer
    internal val onceWarnings = OnceWarnings()

    /** The tokenizer of the bundle. Throws a [UsageError] if the bundle has none and takes token ids only. */
    val tokenizer: AlbertTokenizer
        get() = ownTokenizer ?: throw UsageError(
            "the bundle ${bundle.location} has no tokenizer, since it was exported with --no-tokenizer: it takes token ids " +
                "and no text. Give the ids of your own tokenizer: session.runIds(listOf(intArrayOf(2, 14, 3)))",
        )

    /** The prepared request for the keyword arguments of a call of the Python session, as JSON has them. */
    internal abstract fun prepare(call: Map<String, Any?>): PreparedRequest<Any>

    /** The answer to the keyword arguments of a call of the Python session, as JSON has them; for tests on vectors. */
    internal fun answerCall(call: Map<String, Any?>): Any = answerTo(prepare(call))

    /** The inputs of the graph for a prepared request. */
    internal open fun arrays(prepared: PreparedRequest<*>): Map<String, IdTensor> = completed(pad(prepared.encodings))

    /** [arrays] with the inputs of the graph that follow from others and are not given; see [Task.moreInputs]. */
    internal open fun completed(arrays: Map<String, IdTensor>): Map<String, IdTensor> = arrays

    /**
     * The outputs of the graph, by the names of its task; there is no pre- or postprocessing.
     *
     * @throws UsageError an input is missing or does not fit the graph
     */
    fun run(arrays: Map<String, IdTensor>): Outputs {
        if (Thread.interrupted()) throw InterruptedException("the thread was interrupted before the model ran")
        val outputs = engine.run(completed(arrays))
        return bundle.task.outputs.keys.associateWith { outputs.getValue(it) }
    }

    /**
     * The outputs of the graph for token ids, which are taken as they are: no [CLS] or [SEP] is added.
     *
     * @param inputIds the sequences; for multiple choice, they are the choices of one example
     * @param tokenTypeIds the segment of each token; null for 0 everywhere
     * @param attentionMask 1 for each token that counts and 0 for padding; null if all count
     * @return output name -> an array whose first axis is the batch; shorter sequences are padded
     * @throws UsageError an id is not in the vocabulary, a sequence is empty or too long, or the arguments don't fit each
     *   other; the message lists all problems
     */
    @JvmOverloads
    fun runIds(inputIds: List<IntArray>, tokenTypeIds: List<IntArray>? = null, attentionMask: List<IntArray>? = null): Outputs =
        IdRequest(bundle, inputIds, tokenTypeIds, attentionMask).outputs(::run)

    /** The answer to one prepared request: its sequences run one after the other, as Python runs them. */
    internal open fun <A> answerTo(prepared: PreparedRequest<A>): A = prepared.finish(prepared.encodings.map(::runOne))

    /** The outputs of one sequence, without the batch axis; they include the padding of a static length. */
    internal fun runOne(encoding: Encoding): Outputs = run(pad(listOf(encoding))).mapValues { it.value.part(0) }

    /** Frees the model and the bundle. Calls after it are refused. */
    override fun close() {
        engine.close()
        bundle.close()
    }

    override fun toString(): String = "<${javaClass.simpleName} ${bundle.location} on ${engine.name} ${engine.version}>"

    /** Throws a [BundleError] if the tokenizer, the graph, the configuration and the manifest don't agree. */
    internal open fun checkPartsFit() {
        val model = manifest.modelFile
        val problems = bundle.task.outputs.keys.filter { it !in engine.outputs }.map {
            "$model has no output $it, which $task needs; it has ${engine.outputs.keys.joinToString(", ")}"
        } + engine.inputs.keys.filter { it !in bundle.task.inputNames }.map {
            "$model needs an input $it; a session gives ${bundle.task.inputNames.joinToString(", ")}"
        }
        val all = problems + listOfNotNull(vocabularyProblem(), positionsProblem())
        if (all.isNotEmpty()) throw BundleError(listed("the parts of the bundle ${bundle.location} don't fit:", all))
    }

    private fun vocabularyProblem(): String? {
        val words = bundle.config["vocab_size"] as? Long ?: return null
        val own = ownTokenizer ?: return null
        if (own.size <= words) return null
        val added = own.vocabulary.allIds.size - own.vocabSize
        return "${if (own.isWordPiece) WORDPIECE_FILE else VOCABULARY_FILE} has ${own.vocabSize} pieces" +
            (if (added > 0) " and tokenizer_config.json $added added tokens" else "") +
            ", config.json says that the model has $words"
    }

    private fun positionsProblem(): String? {
        val positions = bundle.config["max_position_embeddings"] as? Long ?: return null
        return if (maxLength > positions) "manifest.json allows $maxLength tokens, config.json $positions" else null
    }

    /**
     * The tokens of a text, or of a pair of texts, as one sequence. What is too long is cut off at the end; the session logs
     * that, but only once.
     *
     * @param keepMasks refuse to cut off a [MASK]
     * @param truncation "longest_first" cuts the longer text first, "only_first" cuts only the first one
     * @param limit the most tokens, if there may be fewer of them than the model takes
     */
    internal fun encode(
        text: String, pair: String? = null, keepMasks: Boolean = false, truncation: String = "longest_first", limit: Int? = null,
    ): Encoding {
        val most = limit ?: maxLength
        // What is far behind the limit is cut off in any case, so it is not tokenized.
        val first = tokenizer.beginning(text, most)
        val second = if (truncation == "longest_first" && pair != null) tokenizer.beginning(pair, most) else pair
        val whole = tokenizer.encode(first, second).single()
        if (whole.size <= most) return whole
        val more = if (text == first && pair == second) "" else "more than "
        val cut = tokenizer.encode(first, second, EncodeOptions(truncation = truncation, maxLength = most)).single()
        val mask = tokenizer.specialTokens.mask
        fun written(one: String, other: String?) = occurrences(mask, one) + occurrences(mask, other ?: "")
        fun masksOf(encoding: Encoding) = encoding.ids.count { it == tokenizer.maskTokenId }
        val masks = masksOf(whole) + written(text, pair) - written(first, second)
        val kept = masksOf(cut)
        if (keepMasks && kept < masks) {
            throw UsageError(
                "the text has $more${whole.size} tokens and the model takes $most: ${masks - kept} of $masks $mask would be " +
                    "cut off; shorten what stands around the masks",
            )
        }
        if (limit == null) {
            onceWarnings.log(
                "truncation",
                "the text has $more${whole.size} tokens and the model takes $most: $more${whole.size - most} tokens at the " +
                    "end were left out (said once for each session)",
            )
        }
        return cut
    }

    private fun pad(encodings: List<Encoding>): Map<String, IdTensor> =
        padBatch(encodings, tokenizer.padTokenId, manifest.sequenceLength)
}

/** How often [token] is written in the text. */
private fun occurrences(token: String, text: String): Int = text.split(token).size - 1

/**
 * The three inputs of [INPUT_NAMES], each `[batch, sequence]`. The twin of `padding.py`.
 *
 * @param length the length of every sequence after padding; null means the length of the longest sequence
 */
internal fun padBatch(encodings: List<Encoding>, padId: Int, length: Int?): Map<String, IdTensor> {
    val longest = encodings.maxOfOrNull { it.size } ?: 0
    if (longest == 0) throw UsageError("a batch needs one sequence at least, of one token at least")
    if (length != null && longest > length) {
        throw UsageError("a sequence of $longest tokens does not fit the fixed length of $length tokens")
    }
    val width = length ?: longest
    fun filled(padding: Long, values: (Encoding) -> IntArray): IdTensor {
        val numbers = LongArray(encodings.size * width) { padding }
        encodings.forEachIndexed { row, one -> values(one).forEachIndexed { place, value -> numbers[row * width + place] = value.toLong() } }
        return IdTensor(intArrayOf(encodings.size, width), numbers)
    }
    val fields = listOf(filled(padId.toLong()) { it.ids }, filled(0) { it.attentionMask }, filled(0) { it.typeIds })
    return INPUT_NAMES.zip(fields).toMap()
}

/**
 * The places of the masks in each sequence, `[batch, masks]`, in order; see [MASKED_POSITIONS]. There are as many columns
 * as masks in the sequence with most of them, and one at least. The twin of `padding.masked_positions`.
 *
 * @param ids `[batch, sequence]`
 */
internal fun maskedPositions(ids: IdTensor, maskId: Int): IdTensor {
    val (batch, length) = ids.shape
    val found = List(batch) { row -> (0 until length).filter { ids.values[row * length + it] == maskId.toLong() } }
    val width = maxOf(1, found.maxOf { it.size })
    val numbers = LongArray(batch * width)
    found.forEachIndexed { row, places -> places.forEachIndexed { column, place -> numbers[row * width + column] = place.toLong() } }
    return IdTensor(intArrayOf(batch, width), numbers)
}
