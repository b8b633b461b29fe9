package albert.runtime.bundle

import albert.runtime.PythonText
import albert.runtime.TASKS

/** What one field of a manifest must be. */
private class FieldRule(
    val name: String,
    /** what its value must be, in words */
    val expected: String,
    /** whether the field may be missing, as in bundles of earlier versions */
    val added: Boolean = false,
    val fits: (Any?) -> Boolean,
)

private fun isTable(value: Any?) = value is Map<*, *>

private fun isStrings(value: Any?) = value is List<*> && value.all { it is String }

/** At least [CLS], [SEP] and one token of the text. */
private fun isLength(value: Any?) = value is Long && value >= 3 && value <= Int.MAX_VALUE

private fun isFinite(value: Any?) = value is Long || (value is Double && !value.isNaN() && !value.isInfinite())

/** Whether [value] names a file inside the bundle: a manifest must not reach out of its folder. */
internal fun isFileName(value: Any?): Boolean {
    if (value !is String || value.isEmpty() || value.any { it in "\\:\u0000" } || value.startsWith("/")) return false
    val parts = value.split('/').filter { it.isNotEmpty() && it != "." }
    return parts.isNotEmpty() && ".." !in parts
}

private fun isHashTable(value: Any?) = value is Map<*, *> && value.all { (name, digest) ->
    isFileName(name) && digest is String && digest.codePointCount(0, digest.length) == 64
}

/** The checks of single fields, in the order of the fields of `manifest.py`, which messages follow. */
private val RULES = listOf(
    FieldRule("task", "one of ${TASKS.keys.joinToString(", ")}") { it is String && it in TASKS },
    FieldRule("model_file", "the name of a file in the bundle") { isFileName(it) },
    FieldRule("max_length", "a number of tokens, 3 or more") { isLength(it) },
    FieldRule("files", "a table of file names in the bundle and their SHA-256") { isHashTable(it) },
    FieldRule("labels", "a list of strings") { isStrings(it) },
    FieldRule("precision", "a string") { it is String },
    FieldRule("target", "a string") { it is String },
    FieldRule("mask_policy", "a string") { it is String },
    FieldRule("opset", "a whole number or null") { it == null || it is Long },
    FieldRule("sequence_length", "a number of tokens, 3 or more, or null") { it == null || isLength(it) },
    FieldRule("null_threshold", "a finite number or null", added = true) { it == null || isFinite(it) },
    FieldRule("versions", "a table of tools and their versions") { it is Map<*, *> && it.values.all { one -> one is String } },
    FieldRule("quantized", "a table") { isTable(it) },
    FieldRule("parity", "a table") { isTable(it) },
    FieldRule("recipe_search", "a table", added = true) { isTable(it) },
    FieldRule("embedding", "a table", added = true) { isTable(it) },
    FieldRule("missing_outputs", "a list of strings", added = true) { isStrings(it) },
    FieldRule("head", "a string", added = true) { it is String },
    FieldRule("has_tokenizer", "true or false", added = true) { it is Boolean },
    FieldRule("self_test", "a list of test vectors") { it is List<*> && it.all { one -> one is Map<*, *> } },
)

/** The fields that every manifest of this format has. */
internal val REQUIRED_FIELDS: List<String> = RULES.filter { !it.added }.map { it.name }

/** What is wrong with the fields of a manifest, in words; those that are missing are not looked at. */
internal fun manifestProblems(record: Map<String, Any?>): List<String> {
    val wrong = RULES.filter { it.name in record && !it.fits(record[it.name]) }.map { rule ->
        "\"${rule.name}\" must be ${rule.expected}, not ${shown(rule.name, record[rule.name])}"
    }
    return wrong.ifEmpty { contradictions(record) }
}

/** Python keeps three of the lists as tuples, and its messages show them so. */
private fun shown(name: String, value: Any?): String {
    val text = if (value is List<*> && name in listOf("labels", "missing_outputs", "self_test")) {
        PythonText.reprTuple(value)
    } else {
        PythonText.repr(value)
    }
    return text.take(SHOWN_CHARACTERS)
}

private const val SHOWN_CHARACTERS = 80

private fun contradictions(record: Map<String, Any?>): List<String> {
    val name = record["task"] as String
    val task = TASKS.getValue(name)
    val files = (record["files"] as Map<*, *>).keys
    val head = record["head"] as String? ?: ""
    val problems = mutableListOf<String>()
    if (task.labelled && (record["labels"] as List<*>).isEmpty()) {
        problems += "\"labels\" is empty, and $name needs the name of each label"
    }
    for (output in record["missing_outputs"] as List<*>? ?: emptyList<Any?>()) {
        if (output !in task.optionalOutputs) {
            problems += "\"missing_outputs\" names ${PythonText.repr(output)}, which a graph for $name can't lack"
        }
    }
    if (head.isNotEmpty() && head !in task.heads) {
        val known = task.heads.keys.joinToString(", ").ifEmpty { "only the usual one" }
        problems += "\"head\" is ${PythonText.repr(head)}, which this runtime does not know; it knows for $name: $known " +
            "(use a newer version of the library albert-runtime)"
    }
    if (record["null_threshold"] != null && name != "question-answering") {
        problems += "\"null_threshold\" must be null, because it does not go with $name"
    }
    for (file in listOf(record["model_file"] as String, CONFIG_FILE)) {
        if (file !in files) problems += "\"files\" has no hash for $file"
    }
    val hasTokenizer = record["has_tokenizer"] as Boolean? ?: true
    if (hasTokenizer && VOCABULARY_FILE !in files && WORDPIECE_FILE !in files) {
        problems += "\"files\" has no hash for $VOCABULARY_FILE (nor for $WORDPIECE_FILE)"
    }
    return problems
}
