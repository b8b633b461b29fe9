package albert.runtime.engines

/** The operators that an interpreter lacks, and what to do about it. */
internal class LackOfOperators(val operators: List<String>, val advice: String)

private const val UPGRADE = "Upgrade it: implementation(\"com.google.ai.edge.litert:litert:VERSION\") with a newer version"
private const val FLEX =
    "Operators of TensorFlow (Flex) need its Flex delegate. `albert-export tflite` makes graphs without them: " +
        "better export the model again."
private const val CUSTOM =
    "No engine here has custom operators. `albert-export tflite` makes graphs without them: export the model again."

private val VERSIONED = Regex("Didn't find op for builtin opcode '(\\w+)' version '(\\d+)'")
private val UNKNOWN = Regex("Op builtin_code out of range: (\\d+)")
private val SELECT = Regex("Select TensorFlow op\\(s\\).*?\\((Flex\\w+)\\)")
private val UNRESOLVED = Regex("unresolved custom op: (.*?)\\.? See instructions")

/**
 * The operators that are missing, and advice; null if [reason] is about something else. The twin of `tflite_operators.py`.
 *
 * @param reason the interpreter's message when it loaded the graph, in one line
 */
internal fun lackOfOperators(reason: String): LackOfOperators? {
    val newer = VERSIONED.findAll(reason).map { "${it.groupValues[1]}, version ${it.groupValues[2]}" } +
        UNKNOWN.findAll(reason).map { "number ${it.groupValues[1]}, a newer one than it knows" }
    val kinds = listOf(
        newer to UPGRADE,
        SELECT.findAll(reason).map { it.groupValues[1] } to FLEX,
        UNRESOLVED.findAll(reason).map { it.groupValues[1] } to CUSTOM,
    )
    for ((found, advice) in kinds) {
        val operators = found.distinct().toList()
        if (operators.isNotEmpty()) return LackOfOperators(operators, advice)
    }
    return null
}
