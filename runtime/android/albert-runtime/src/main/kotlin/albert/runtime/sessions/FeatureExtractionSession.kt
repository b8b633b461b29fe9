package albert.runtime.sessions

import albert.runtime.AlbertSession
import albert.runtime.BundleError
import albert.runtime.CallArguments
import albert.runtime.Embedding
import albert.runtime.PreparedRequest
import albert.runtime.PythonText
import albert.runtime.SessionLoader
import albert.runtime.SessionParts
import albert.runtime.UsageError
import albert.runtime.checkCount
import albert.runtime.checkText
import albert.runtime.postprocessing.EmbeddingOptions
import albert.runtime.postprocessing.POOLINGS
import albert.runtime.postprocessing.pool
import albert.runtime.postprocessing.similarity
import albert.runtime.postprocessing.unknownPooling
import java.util.Locale

private const val POOLER_OUTPUT = "pooler_output"

/** Text -> vectors. The twin of Python's class. */
class FeatureExtractionSession internal constructor(parts: SessionParts) : AlbertSession(parts) {
    /**
     * How the bundle makes one vector of a text. If the checkpoint was a sentence-transformers folder, its files decided
     * that. Otherwise the vector is the output of the pooler, or the mean of the tokens' vectors if the checkpoint had no
     * pooler.
     */
    val options: EmbeddingOptions = EmbeddingOptions.fromManifest(manifest.embedding)

    /**
     * The embedding of the text. A text that is too long is cut off at the end.
     *
     * @param pooling "cls", "mean" or "max" of the tokens' vectors, or "pooler" for the output of the model's pooler; null for
     *   what the bundle says
     * @param normalize divide the vector by its length; null for what the bundle says
     * @param maxLength the most tokens, special tokens included; null for as many as the bundle allows
     * @throws UsageError the text is empty, or another argument is wrong
     */
    @JvmOverloads
    fun embed(text: String, pooling: String? = null, normalize: Boolean? = null, maxLength: Int? = null): Embedding =
        answerTo(prepare(text, pooling, normalize, maxLength))

    /**
     * How similar two embeddings are: the cosine of their vectors, unless the bundle names another function.
     *
     * @throws UsageError the vectors have different lengths
     */
    fun similarity(first: Embedding, second: Embedding): Double =
        similarity(first.vector, second.vector, options.similarity)

    override fun prepare(call: Map<String, Any?>): PreparedRequest<Any> {
        val given = CallArguments(call, listOf("text", "pooling", "normalize", "max_length"))
        return prepare(
            given.text("text"), given.textOrNull("pooling"), given.flagOrNull("normalize"), given.intOrNull("max_length"),
        )
    }

    private fun prepare(given: String, pooling: String?, normalize: Boolean?, maxLength: Int?): PreparedRequest<Embedding> {
        val chosen = pooling ?: options.pooling
        if (chosen !in POOLINGS) throw unknownPooling(chosen)
        if (chosen == "pooler" && POOLER_OUTPUT !in bundle.task.outputs) {
            throw UsageError("the model has no pooler, so pooling can't be 'pooler'; choose 'cls', 'mean' or 'max'")
        }
        checkText("text", given)
        val text = if (options.lowerCase) PythonText.strip(given).lowercase(Locale.ROOT) else given
        val encoding = encode(text, limit = checkedLength(maxLength))
        return PreparedRequest(listOf(encoding)) { outputs ->
            val hidden = outputs[0].getValue("last_hidden_state")
            val tokens = List(encoding.size) { hidden.row(it) }
            Embedding(pool(tokens, outputs[0][POOLER_OUTPUT], chosen, normalize ?: options.normalize), tokens)
        }
    }

    override fun checkPartsFit() {
        super.checkPartsFit()
        if (options.pooling == "pooler" && POOLER_OUTPUT !in bundle.task.outputs) {
            throw BundleError("the manifest of ${bundle.location} asks for a pooler, which the graph does not have")
        }
    }

    private fun checkedLength(given: Int?): Int? {
        if (given == null) return null
        checkCount("max_length", given, least = 3) // [CLS], one token of the text, [SEP]
        if (given > maxLength) throw UsageError("max_length=$given is too long; the model takes at most $maxLength tokens")
        return given
    }

    companion object : SessionLoader<FeatureExtractionSession>("feature-extraction", ::FeatureExtractionSession)
}
