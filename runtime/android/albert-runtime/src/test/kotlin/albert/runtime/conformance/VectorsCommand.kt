package albert.runtime.conformance

import albert.runtime.AlbertError
import albert.runtime.AlbertSession
import albert.runtime.AlbertSessions
import albert.runtime.AlbertTextClassifier
import albert.runtime.AlbertZeroShotClassifier
import albert.runtime.Label
import albert.runtime.LoadOptions
import albert.runtime.engines.CannedEngine
import albert.runtime.engines.IdTensor
import albert.runtime.engines.Tensor
import albert.runtime.json.Json
import albert.runtime.listed
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64
import kotlin.system.exitProcess

/**
 * Answers the requests of vectors files and prints what differs from Python's answers, as one JSON object for each file.
 *
 *     VectorsCommand [--canned] [--tolerance 1e-4] [--answers] BUNDLE VECTORS.json [BUNDLE VECTORS.json ...]
 *
 * `--canned` takes the outputs from the vectors in place of the engine's, so that everything but the engine is tested, and
 * the answers must agree to 1e-6. `--answers` prints every answer, for a caller that compares them itself.
 */
object VectorsCommand {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val given = arguments.toMutableList()
        val canned = given.remove("--canned")
        val answers = given.remove("--answers")
        val place = given.indexOf("--tolerance")
        val chosen = if (place < 0) null else given[place + 1].toDouble().also { repeat(2) { given.removeAt(place) } }
        for ((bundle, file) in given.chunked(2)) {
            val vectors = Vectors(Json.parse(File(file).readText()) as Map<*, *>)
            // The self-test vectors of the bundle need its own engine.
            val options = if (canned) LoadOptions(verify = false, engine = vectors.engine()) else LoadOptions()
            AlbertSessions.load(File(bundle), options).use { session ->
                vectors.foreign(session)?.let {
                    System.err.println(it)
                    exitProcess(2)
                }
                println(json(vectors.check(session, if (canned) 1e-6 else chosen ?: 1e-4, answers)))
            }
        }
    }
}

/** The requests of a vectors file. */
private class Vectors(record: Map<*, *>) {
    private val bundle = record["bundle"] as Map<*, *>
    private val requests = (record["requests"] as List<*>).map { it as Map<*, *> }
    private val zeroShot = (record["zero_shot"] as List<*>?).orEmpty().map { it as Map<*, *> }
    private val errors = (record["errors"] as List<*>?).orEmpty().map { it as Map<*, *> }

    /** An engine that gives the outputs of the vectors for their token ids. */
    fun engine(): CannedEngine {
        val head = bundle["head"] as String? ?: ""
        val known = HashMap<List<Long>, Map<String, Tensor>>()
        for (request in requests + zeroShot) {
            if ((request["outputs"] as Map<*, *>).values.any { "float32" !in it as Map<*, *> }) continue
            for ((row, outputs) in rows(request)) known.putIfAbsent(row, outputs)
        }
        return CannedEngine(bundle["task"] as String, head) { feed ->
            val key = rowsOf(feed.getValue("input_ids"), feed.getValue("attention_mask")).single()
            val found = known[key] ?: throw IllegalStateException("no vector has the ids $key")
            found.mapValues { (_, one) -> Tensor(intArrayOf(1) + one.shape, one.values) }
        }
    }

    /** The differences of all requests, and the largest difference of a score. */
    fun check(session: AlbertSession, tolerance: Double, printsAnswers: Boolean): Map<String, Any> {
        val comparison = Comparison()
        val answers = mutableListOf<Any?>()
        var skipped = 0
        requests.forEachIndexed { number, request ->
            if (session.engine is CannedEngine && (request["outputs"] as Map<*, *>).values.any { "float32" !in it as Map<*, *> }) {
                skipped++
                return@forEachIndexed
            }
            @Suppress("UNCHECKED_CAST")
            val prepared = session.prepare(request["call"] as Map<String, Any?>)
            val ids = session.arrays(prepared).getValue("input_ids")
            if (ids.values.toList() != flattened(request["input_ids"])) comparison.differences += "request $number: other ids"
            val answer = recordOf(session.answerTo(prepared))
            answers += answer
            comparison.compare("request $number", answer, request["answer"], tolerance)
        }
        zeroShot.forEachIndexed { number, request ->
            val answer = recordOf(classified(session as AlbertTextClassifier, request["call"] as Map<*, *>))
            comparison.compare("zero_shot $number", answer, request["answer"], tolerance)
        }
        errors.forEachIndexed { number, error -> checkError(session, "error $number", error, comparison) }
        return mapOf(
            "requests" to requests.size - skipped, "skipped" to skipped, "zero_shot" to zeroShot.size, "errors" to errors.size,
            "largest" to comparison.largest, "differences" to comparison.differences,
        ) + if (printsAnswers) mapOf("answers" to answers) else emptyMap()
    }

    private fun classified(session: AlbertTextClassifier, call: Map<*, *>): List<Label> {
        val classifier = AlbertZeroShotClassifier(session)
        val text = call["text"] as String
        val template = call["hypothesis_template"] as String? ?: "This example is {}."
        val multiLabel = call["multi_label"] as Boolean? ?: false
        return when (val labels = call["candidate_labels"]) {
            is List<*> -> classifier.classify(text, labels.map { it as String }, template, multiLabel)
            else -> classifier.classify(text, labels as String, template, multiLabel)
        }
    }

    /** What keeps the vectors from being those of the bundle of [session]; null if they are. */
    fun foreign(session: AlbertSession): String? {
        val files = bundle["files"] as Map<*, *>? ?: return null
        val own = session.manifest.files
        val differing = (files.keys + own.keys).filter { files[it] != own[it] }.map { it as String }.sorted()
        if (differing.isEmpty()) return null
        return listed("these are vectors of another bundle than ${session.bundle.location}; these files differ:", differing)
    }

    private fun checkError(session: AlbertSession, place: String, error: Map<*, *>, comparison: Comparison) {
        try {
            @Suppress("UNCHECKED_CAST")
            val answer = session.answerCall(error["call"] as Map<String, Any?>)
            comparison.differences += "$place: no error, but $answer"
        } catch (found: AlbertError) {
            comparison.compare("$place.type", found.javaClass.simpleName, error["type"], 0.0)
            comparison.compare("$place.message", found.message, error["message"], 0.0)
        }
    }
}

/** The ids of each sequence of a request, without padding -> its outputs. For multiple choice, all choices are one sequence. */
private fun rows(request: Map<*, *>): List<Pair<List<Long>, Map<String, Tensor>>> {
    val ids = tensor(request["input_ids"])
    val keys = rowsOf(ids, tensor(request["attention_mask"]))
    val outputs = (request["outputs"] as Map<*, *>).map { (name, one) -> name as String to decoded(one as Map<*, *>) }.toMap()
    return keys.mapIndexed { row, key -> key to outputs.mapValues { it.value.part(row) } }
}

private fun rowsOf(ids: IdTensor, mask: IdTensor): List<List<Long>> {
    val width = ids.values.size / ids.shape[0]
    return List(ids.shape[0]) { row -> (row * width until (row + 1) * width).filter { mask.values[it] != 0L }.map { ids.values[it] } }
}

private fun tensor(nested: Any?): IdTensor {
    val shape = mutableListOf<Int>()
    var level = nested
    while (level is List<*>) {
        shape += level.size
        level = level.firstOrNull()
    }
    return IdTensor(shape.toIntArray(), flattened(nested).map { it as Long }.toLongArray())
}

private fun decoded(output: Map<*, *>): Tensor {
    val bytes = ByteBuffer.wrap(Base64.getDecoder().decode(output["float32"] as String)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
    val shape = (output["shape"] as List<*>).map { (it as Long).toInt() }.toIntArray()
    return Tensor(shape, FloatArray(bytes.remaining()).also { bytes.get(it) })
}

private fun flattened(value: Any?): List<Any?> = if (value is List<*>) value.flatMap { flattened(it) } else listOf(value)
