package albert.runtime

import albert.runtime.engines.IdTensor
import albert.runtime.engines.Tensor
import albert.runtime.engines.shapeText
import albert.runtime.postprocessing.alignedBeams
import java.util.Locale

// Self-test vectors: a bundle contains a few requests and the outputs that they gave when the bundle was made. A session
// computes them again when it opens, so that a bundle whose tokenizer, graph and engine do not fit each other is refused
// before it gives a wrong answer. The twin of `self_test.py`.

/** Tokens that a message shows. */
private const val MOST_IDS = 24

/** Throws a [BundleError] if a vector is malformed, or if [session] gives other outputs. */
internal fun checkSelfTest(session: AlbertSession) {
    val vectors = session.manifest.selfTest
    vectors.forEachIndexed { number, vector ->
        val name = "self-test vector ${number + 1} of ${vectors.size}"
        try {
            checkVector(session, vector, name)
        } catch (error: RuntimeException) {
            if (error is BundleError) throw error
            throw BundleError(
                "$name does not fit a ${session.task} session (${error.javaClass.simpleName}: ${error.message}); " +
                    "the bundle is damaged or was written wrongly: export the model again",
                error,
            )
        }
    }
}

@Suppress("UNCHECKED_CAST")
private fun checkVector(session: AlbertSession, vector: Map<String, Any?>, name: String) {
    val inputs = vector.getValue("inputs") as Map<String, Any?>
    val arrays = if ("input_ids" in inputs) idArrays(session, inputs) else session.arrays(session.prepare(inputs))
    val ids = arrays.getValue("input_ids")
    if (nested(ids.shape.toList(), ids.values, intArrayOf(0)) != vector.getValue("input_ids")) {
        throw BundleError(
            "$name: the tokenizer gives ${flat(ids.values.toList())}, the bundle was made with " +
                "${flat(flattened(vector.getValue("input_ids")))}; the vocabulary or its options do not belong to this model",
        )
    }
    val outputs = session.run(arrays)
    val tolerance = (vector.getValue("tolerance") as Number).toDouble()
    val expected = (vector.getValue("outputs") as Map<String, Map<String, Any?>>).mapValues { Expected(it.value) }
    for ((output, one) in expected) {
        val found = outputs.getValue(output)
        if (!found.shape.contentEquals(one.shape)) {
            throw BundleError(
                "$name: $output has the shape ${shapeText(found.shape)}, the bundle was made with ${shapeText(one.shape)}",
            )
        }
    }
    if (session.bundle.task.aligned) {
        val stored = expected.mapValues { (_, one) -> Tensor(one.shape, FloatArray(one.values.size) { one.values[it].toFloat() }) }
        for ((output, pair) in alignedBeams(outputs, stored)) {
            checkValues(session, tolerance, "$name: $output", pair.first, pair.second, pair.first.indices.toList())
        }
        return
    }
    for ((output, one) in expected) {
        val values = outputs.getValue(output).values
        val got = DoubleArray(one.indices.size) { values[one.indices[it]].toDouble() }
        checkValues(session, tolerance, "$name: $output", got, one.values, one.indices)
    }
}

/** What a vector says of one output. */
private class Expected(record: Map<String, Any?>) {
    val shape: IntArray = numbers(record.getValue("shape")).toIntArray()
    val indices: List<Int> = numbers(record.getValue("indices"))
    val values: DoubleArray = (record.getValue("values") as List<*>).map { (it as Number).toDouble() }.toDoubleArray()

    init {
        require(indices.size == values.size) { "there are ${indices.size} indices and ${values.size} values" }
    }

    private fun numbers(value: Any?): List<Int> = (value as List<*>).map { Math.toIntExact(it as Long) }
}

private fun checkValues(
    session: AlbertSession, tolerance: Double, name: String, got: DoubleArray, wanted: DoubleArray, indices: List<Int>,
) {
    // Comparing NaN gives false, so NaN never counts as near enough.
    val differences = got.indices.map { Math.abs(got[it] - wanted[it]) }
    if (differences.all { it <= tolerance }) return
    val place = differences.indices.maxByOrNull { if (differences[it].isNaN()) Double.POSITIVE_INFINITY else differences[it] }!!
    fun short(value: Double, digits: Int) = String.format(Locale.ROOT, "%.${digits}g", value)
    throw BundleError(
        "$name differs by ${short(differences[place], 3)}, allowed is ${short(tolerance, 3)} (element ${indices[place]} is " +
            "${short(got[place], 6)}, was ${short(wanted[place], 6)}); the graph, or the engine ${session.engine.name}, does not " +
            "compute what the exported model computed. Export the model again, or load it with verify = false to look into it.",
    )
}

private fun idArrays(session: AlbertSession, inputs: Map<String, Any?>): Map<String, IdTensor> =
    IdRequest(session.bundle, rows(inputs["input_ids"])!!, rows(inputs["token_type_ids"]), rows(inputs["attention_mask"])).arrays()

/** One sequence of ids, or several, as JSON has them. */
private fun rows(value: Any?): List<IntArray>? {
    if (value == null) return null
    var list = value as List<*>
    while (list.size == 1 && (list[0] as? List<*>)?.firstOrNull() is List<*>) list = list[0] as List<*>
    val several = if (list.firstOrNull() is List<*>) list.map { it as List<*> } else listOf(list)
    return several.map { row -> row.map { Math.toIntExact(it as Long) }.toIntArray() }
}

/** The numbers as nested lists, as JSON has them; [place] is the next number. */
private fun nested(shape: List<Int>, values: LongArray, place: IntArray): Any =
    if (shape.isEmpty()) values[place[0]++] else List(shape[0]) { nested(shape.drop(1), values, place) }

private fun flattened(value: Any?): List<Any?> = if (value is List<*>) value.flatMap { flattened(it) } else listOf(value)

private fun flat(ids: List<Any?>): String =
    "ids ${ids.take(MOST_IDS).joinToString(" ")}${if (ids.size > MOST_IDS) " ..." else ""}"
