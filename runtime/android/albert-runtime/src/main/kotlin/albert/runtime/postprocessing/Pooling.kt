package albert.runtime.postprocessing

import albert.runtime.BundleError
import albert.runtime.PythonText
import albert.runtime.UsageError
import albert.runtime.engines.Tensor
import albert.runtime.listed

// Pooling: the vectors of a text's tokens -> one vector of the text; and the similarity of two such vectors. The twin of
// `pooling.py`.

/** A vector is divided by its length only down to this length, as torch.nn.functional.normalize does. */
private const val LEAST_LENGTH = 1e-12

/** "pooler" is the output of the model's own pooler, which no function here computes. */
internal val POOLINGS = listOf("pooler", "cls", "mean", "max")

/** The name in sentence-transformers ("similarity_fn_name") -> the function of two vectors. */
private val SIMILARITIES: Map<String, (DoubleArray, DoubleArray) -> Double> = linkedMapOf(
    "cosine" to { left, right -> dot(left, right) / (maxOf(length(left), LEAST_LENGTH) * maxOf(length(right), LEAST_LENGTH)) },
    "dot" to ::dot,
    "euclidean" to { left, right -> -length(DoubleArray(left.size) { left[it] - right[it] }) },
    "manhattan" to { left, right -> -left.indices.sumOf { Math.abs(left[it] - right[it]) } },
)

/**
 * How a text becomes one vector: the field `embedding` of a manifest. The defaults hold for a plain checkpoint.
 *
 * @property pooling one of [POOLINGS]
 * @property normalize divide the vector by its length
 * @property lowerCase strip and lower-case the text before the tokenizer reads it, as sentence-transformers does
 * @property similarity "cosine", "dot", "euclidean" or "manhattan"
 */
data class EmbeddingOptions(
    val pooling: String = "pooler",
    val normalize: Boolean = false,
    val lowerCase: Boolean = false,
    val similarity: String = "cosine",
) {
    internal companion object {
        private val KNOWN: Map<String, List<Any>> = mapOf(
            "pooling" to POOLINGS, "normalize" to listOf(true, false), "lower_case" to listOf(true, false),
            "similarity" to SIMILARITIES.keys.toList(),
        )

        /** The options in the field of a manifest. Throws a [BundleError] for what this runtime does not know. */
        fun fromManifest(record: Map<String, Any?>): EmbeddingOptions {
            val problems = record.filter { (name, value) -> value !in KNOWN[name].orEmpty() }.map { (name, value) ->
                val known = KNOWN[name]?.joinToString(", ") { if (it is String) it else PythonText.repr(it) }
                "$name is ${PythonText.repr(value)}" + if (known == null) "" else "; it must be one of $known"
            }
            if (problems.isNotEmpty()) {
                throw BundleError(
                    listed("the manifest's \"embedding\" asks for what this runtime can't do:", problems) +
                        "\nupgrade the runtime: use a newer version of the library albert-runtime",
                )
            }
            val usual = EmbeddingOptions()
            return EmbeddingOptions(
                record["pooling"] as String? ?: usual.pooling, record["normalize"] as Boolean? ?: usual.normalize,
                record["lower_case"] as Boolean? ?: usual.lowerCase, record["similarity"] as String? ?: usual.similarity,
            )
        }
    }
}

/**
 * The vector of a text.
 *
 * @param tokens the last hidden state of the text with [CLS] and [SEP] and without padding
 * @param poolerOutput the output of the model's pooler; null if it has none
 * @param pooling "pooler" for [poolerOutput]; "cls" for the first token, "mean" and "max" for the mean and the largest
 *   value of each number over all tokens, as in sentence-transformers
 * @param normalize divide the vector by its length (L2 norm)
 */
internal fun pool(tokens: List<FloatArray>, poolerOutput: Tensor?, pooling: String, normalize: Boolean): FloatArray {
    val width = tokens.first().size
    val vector = when {
        pooling == "pooler" && poolerOutput != null -> wide(poolerOutput.values)
        pooling == "cls" -> wide(tokens.first())
        pooling == "mean" -> DoubleArray(width) { place -> tokens.sumOf { it[place].toDouble() } / tokens.size }
        pooling == "max" -> DoubleArray(width) { place -> tokens.maxOf { it[place] }.toDouble() }
        else -> throw unknownPooling(pooling)
    }
    val length = if (normalize) maxOf(length(vector), LEAST_LENGTH) else 1.0
    return FloatArray(vector.size) { (vector[it] / length).toFloat() }
}

/** How similar two vectors are, by the function called [name]. Throws a [UsageError] if they have different lengths. */
internal fun similarity(left: FloatArray, right: FloatArray, name: String): Double {
    if (left.size != right.size) {
        throw UsageError("the vectors have ${left.size} and ${right.size} numbers; compare embeddings of the same model")
    }
    return SIMILARITIES.getValue(name)(finite(left), finite(right))
}

internal fun unknownPooling(pooling: String) = UsageError(
    "pooling=${PythonText.repr(pooling)} is unknown; choose one of ${POOLINGS.joinToString(", ") { PythonText.repr(it) }}",
)

private fun wide(values: FloatArray) = DoubleArray(values.size) { values[it].toDouble() }

private fun dot(left: DoubleArray, right: DoubleArray): Double = left.indices.sumOf { left[it] * right[it] }

private fun length(vector: DoubleArray): Double = Math.sqrt(dot(vector, vector))
