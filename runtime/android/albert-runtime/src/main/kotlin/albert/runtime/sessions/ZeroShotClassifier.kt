package albert.runtime.sessions

import albert.runtime.Label
import albert.runtime.PythonText
import albert.runtime.UsageError
import albert.runtime.checkText
import albert.runtime.postprocessing.checkLabelCount
import albert.runtime.postprocessing.zeroShot
import java.util.Locale

private const val TEMPLATE = "This example is {}."

/**
 * A text and any labels -> how well each label fits the text. The twin of Python's class.
 *
 * The model must have been trained for natural language inference (NLI): it judges whether the text entails a hypothesis
 * such as "This example is about sport.", one for each label (Yin et al. 2019). The answers are those of Hugging Face's
 * zero-shot-classification pipeline.
 *
 * @param session the session of a text-classification bundle of an NLI model, which the caller closes
 * @param entailment the label of the model that means entailment; null for the one that begins with "entail"
 * @throws UsageError none of the labels means entailment
 */
class ZeroShotClassifier @JvmOverloads constructor(private val session: TextClassificationSession, entailment: String? = null) {
    private val entailment: Int
    private val contradiction: Int

    init {
        val labels = session.manifest.labels
        val found = find(labels, entailment?.lowercase(Locale.ROOT) ?: "entail")
        if (found == null || labels.size < 2) {
            val lack = if (found == null) "none of them means entailment" else "zero-shot classification needs two or more"
            throw UsageError(
                "the labels of ${session.bundle.location} are ${labels.joinToString(", ")}; $lack. Use a model for natural " +
                    "language inference (MNLI, SNLI, ANLI). If it is one whose labels have no names, say which one means " +
                    "entailment: ZeroShotClassifier(session, entailment = \"LABEL_2\")",
            )
        }
        this.entailment = found
        // Models without a label of that name have the one for contradiction first or last, as Hugging Face's pipeline
        // assumes of every model.
        contradiction = find(labels, "contradict").takeIf { it != found } ?: if (found == 0) labels.size - 1 else 0
    }

    /**
     * Every candidate label with its score, best first. If the text is too long, it is cut off at the end.
     *
     * @param labels the labels with commas between them
     * @param hypothesisTemplate the sentence that the text may entail, with {} in place of the label
     * @param multiLabel several labels may apply, so each score is a probability by itself; if false, the scores of all labels
     *   sum to 1
     * @throws UsageError the text or a label is empty, there are no labels, or the template has no {}
     */
    @JvmOverloads
    fun classify(
        text: String, labels: String, hypothesisTemplate: String = TEMPLATE, multiLabel: Boolean = false,
    ): List<Label> {
        val separate = labels.split(',').map { PythonText.strip(it) }.filter { it.isNotEmpty() }
        return classify(text, separate, hypothesisTemplate, multiLabel)
    }

    /** See the other function of this name; the labels are a list. */
    @JvmOverloads
    fun classify(
        text: String, labels: List<String>, hypothesisTemplate: String = TEMPLATE, multiLabel: Boolean = false,
    ): List<Label> {
        labels.forEachIndexed { index, label -> checkText("candidate_labels[$index]", label) }
        if (labels.isEmpty()) throw UsageError("candidate_labels is empty; give one label or more")
        val encodings = labels.map { hypothesis(hypothesisTemplate, it) }.map { session.encodePair(text, it) }
        val logits = encodings.map { session.runOne(it).getValue("logits").values }
        checkLabelCount(logits[0].size, session.manifest.labels)
        return zeroShot(logits, labels, entailment, contradiction, multiLabel)
    }
}

private fun find(labels: List<String>, beginning: String): Int? =
    labels.indexOfFirst { it.lowercase(Locale.ROOT).startsWith(beginning) }.takeIf { it >= 0 }

private fun hypothesis(template: String, label: String): String =
    filled(template, label)?.takeIf { it != template } ?: throw UsageError(
        "hypothesis_template must be a sentence with {} in place of the label, such as ${PythonText.repr(TEMPLATE)}, " +
            "not ${PythonText.repr(template)}",
    )

/** [template] with the label in place of `{}` or `{0}`, and `{{` and `}}` as braces, as Python's `format` does it; or null. */
private fun filled(template: String, label: String): String? {
    val result = StringBuilder()
    var unnumbered = 0
    var numbered = 0
    var place = 0
    while (place < template.length) {
        val rest = template.substring(place)
        val (text, length) = when {
            rest.startsWith("{{") -> "{" to 2
            rest.startsWith("}}") -> "}" to 2
            rest.startsWith("{}") -> label.also { unnumbered++ } to 2
            rest.startsWith("{0}") -> label.also { numbered++ } to 3
            rest[0] in "{}" -> return null
            else -> rest.substring(0, 1) to 1
        }
        result.append(text)
        place += length
    }
    // A second {} would be a second value, and the two ways to count them don't mix.
    return if (unnumbered > 1 || (unnumbered > 0 && numbered > 0)) null else result.toString()
}
