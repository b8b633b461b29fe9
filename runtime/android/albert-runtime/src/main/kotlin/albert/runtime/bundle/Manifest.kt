package albert.runtime.bundle

import albert.runtime.BundleError
import albert.runtime.PythonText
import albert.runtime.TASKS
import albert.runtime.Task
import albert.runtime.listed

/** The version of the bundles that this runtime reads. */
const val FORMAT_VERSION: Int = 1

/** The names of files with a fixed meaning. */
const val MANIFEST_FILE: String = "manifest.json"
const val CONFIG_FILE: String = "config.json"
const val VOCABULARY_FILE: String = "spiece.model"
const val WORDPIECE_FILE: String = "vocab.txt"

/**
 * The description of a bundle: the fields of its `manifest.json` that a runtime needs. The twin of `manifest.py`.
 *
 * @property task the full name of one of [TASKS]
 * @property modelFile the name of the graph's file in the bundle
 * @property maxLength the most tokens in a sequence, special tokens included
 * @property files the name of every file except manifest.json -> its SHA-256 in hexadecimal
 * @property labels the name of each label, in the order of the outputs; empty for tasks without labels
 * @property precision the precision of the weights: fp32, fp16, int8, int4 or int8-static
 * @property sequenceLength the number of tokens, if the graph has a static length; null if the length is dynamic
 * @property nullThreshold for question answering: by how much the logarithm of the score of "no answer" must exceed that
 *   of the best passage; with the head "beam-search", what the logit of "no answer" must exceed. Null if the model was
 *   not trained to say that there is no answer.
 * @property embedding how feature extraction makes one vector of a text; empty for other tasks and plain checkpoints
 * @property missingOutputs the outputs of the task that the graph lacks
 * @property head the head of the graph, one of the task's heads; "" for the usual one
 * @property hasTokenizer whether the bundle has a tokenizer's files; a bundle without them takes token ids only
 * @property selfTest requests and the outputs that they gave
 */
class Manifest internal constructor(private val record: Map<String, Any?>) {
    val task: String get() = record["task"] as String
    val modelFile: String get() = record["model_file"] as String
    val maxLength: Int get() = (record["max_length"] as Number).toInt()
    @Suppress("UNCHECKED_CAST")
    val files: Map<String, String> get() = record["files"] as Map<String, String>
    val labels: List<String> = strings("labels")
    val precision: String get() = record["precision"] as String
    val sequenceLength: Int? get() = (record["sequence_length"] as Number?)?.toInt()
    val nullThreshold: Double? get() = (record["null_threshold"] as Number?)?.toDouble()
    @Suppress("UNCHECKED_CAST")
    val embedding: Map<String, Any?> get() = (record["embedding"] ?: emptyMap<String, Any?>()) as Map<String, Any?>
    val missingOutputs: List<String> = strings("missing_outputs")
    val head: String get() = (record["head"] ?: "") as String
    val hasTokenizer: Boolean get() = (record["has_tokenizer"] ?: true) as Boolean
    @Suppress("UNCHECKED_CAST")
    val selfTest: List<Map<String, Any?>> get() = record["self_test"] as List<Map<String, Any?>>

    /** The task, with the outputs that the graph has. */
    val graphTask: Task get() = TASKS.getValue(task).withHead(head).without(missingOutputs)

    private fun strings(name: String): List<String> = (record[name] as List<*>? ?: emptyList<Any?>()).map { it as String }

    companion object {
        /**
         * The manifest in [record], the parsed JSON of a manifest file.
         *
         * @throws BundleError [record] is not a manifest, is of a format version that this runtime can't read, or has
         *   wrong fields; the message lists them.
         */
        fun of(record: Any?): Manifest {
            if (record !is Map<*, *> || "format_version" !in record) {
                throw BundleError("manifest.json has no \"format_version\": it is not the manifest of an ALBERT bundle")
            }
            checkVersion(record["format_version"])
            @Suppress("UNCHECKED_CAST")
            val fields = record as Map<String, Any?>
            val missing = REQUIRED_FIELDS.filter { it !in fields }.map { "\"$it\" is missing" }
            if (missing.isNotEmpty()) throw BundleError(listed("the manifest of the bundle is incomplete:", missing))
            val problems = manifestProblems(fields)
            if (problems.isNotEmpty()) throw BundleError(listed("the manifest of the bundle is wrong:", problems))
            return Manifest(fields)
        }

        /** The version is checked first, because the other fields may mean something else in another format. */
        private fun checkVersion(version: Any?) {
            if (version is Number && version.toDouble() == FORMAT_VERSION.toDouble()) return
            val newer = version is Long && version > FORMAT_VERSION
            val advice = if (newer) {
                "upgrade the runtime: use a newer version of the library albert-runtime"
            } else {
                "export the model again with this version of albert-export"
            }
            throw BundleError(
                "the bundle is of format version ${PythonText.repr(version)}, this runtime reads version " +
                    "$FORMAT_VERSION; $advice",
            )
        }
    }
}
