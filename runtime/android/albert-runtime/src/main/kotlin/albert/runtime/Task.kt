package albert.runtime

/** The names of the axes of tensors; any other axis is fixed by the model's configuration. */
internal const val BATCH = "batch_size"
internal const val CHOICES = "num_choices"
internal const val SEQUENCE = "sequence_length"
internal const val MASKED = "num_masked"

/** The inputs of every graph, in this order. */
val INPUT_NAMES: List<String> = listOf("input_ids", "attention_mask", "token_type_ids")

/**
 * The input of the head "masked" of fill-mask: the places of the masked tokens in each sequence, from 0. A sequence with
 * fewer of them than others of its batch is filled up with 0, and the outputs for these places are not read.
 */
internal const val MASKED_POSITIONS = "masked_positions"

/**
 * Another head for a task: its graph answers the same requests with other outputs.
 *
 * @property outputs as in [Task]
 * @property moreInputs inputs of the graph besides [INPUT_NAMES], and their axes
 * @property aligned whether outputs must be aligned before they can be compared, as those of beams
 */
data class Head(
    val outputs: Map<String, List<String>>, val moreInputs: Map<String, List<String>> = emptyMap(), val aligned: Boolean = false,
)

/**
 * One task: the tensors of its graph. The twin of `tasks.py`.
 *
 * @property name the full name, as in manifests
 * @property inputAxes the axes of each of [INPUT_NAMES]
 * @property outputs output name -> its axes
 * @property optionalOutputs outputs that a graph may lack, because there are checkpoints without their weights
 * @property heads the name of another head -> that head
 * @property head the head that the graph has, one of [heads]; "" for the usual one
 * @property labelled whether the manifest must name labels
 * @property moreInputs see [Head]
 */
data class Task(
    val name: String,
    val inputAxes: List<String>,
    val outputs: Map<String, List<String>>,
    val optionalOutputs: List<String> = emptyList(),
    val heads: Map<String, Head> = emptyMap(),
    val head: String = "",
    val labelled: Boolean = false,
    val moreInputs: Map<String, List<String>> = emptyMap(),
) {
    /** See [Head]. */
    val aligned: Boolean get() = heads[head]?.aligned ?: false

    /** The names of the inputs of the graph. */
    val inputNames: List<String> get() = INPUT_NAMES + moreInputs.keys

    /** Whether each row of the inputs holds several choices. */
    val takesChoices: Boolean get() = CHOICES in inputAxes

    /** The task of a graph that lacks these outputs. */
    fun without(missing: Collection<String>): Task = copy(outputs = outputs.filterKeys { it !in missing })

    /** The task of a graph that has the head called [name], one of [heads] or "" for the usual one. */
    fun withHead(name: String): Task = if (name.isEmpty()) this else heads.getValue(name).let {
        copy(head = name, outputs = it.outputs, moreInputs = it.moreInputs)
    }
}

private val SEQUENCES = listOf(BATCH, SEQUENCE)

/** Every task by its full name. */
val TASKS: Map<String, Task> = listOf(
    Task(
        "feature-extraction", SEQUENCES,
        mapOf("last_hidden_state" to listOf(BATCH, SEQUENCE, "hidden_size"), "pooler_output" to listOf(BATCH, "hidden_size")),
        optionalOutputs = listOf("pooler_output"),
    ),
    Task(
        "pretraining", SEQUENCES,
        mapOf("prediction_logits" to listOf(BATCH, SEQUENCE, "vocab_size"), "sop_logits" to listOf(BATCH, "2")),
        // It leaves out the scores of the vocabulary.
        heads = mapOf("sentence-order" to Head(mapOf("sop_logits" to listOf(BATCH, "2")))),
    ),
    Task(
        "fill-mask", SEQUENCES,
        mapOf("logits" to listOf(BATCH, SEQUENCE, "vocab_size")),
        // It scores the vocabulary at the masked places only.
        heads = mapOf(
            "masked" to Head(
                mapOf("logits" to listOf(BATCH, MASKED, "vocab_size")),
                moreInputs = mapOf(MASKED_POSITIONS to listOf(BATCH, MASKED)),
            ),
        ),
    ),
    Task("text-classification", SEQUENCES, mapOf("logits" to listOf(BATCH, "num_labels")), labelled = true),
    Task("token-classification", SEQUENCES, mapOf("logits" to listOf(BATCH, SEQUENCE, "num_labels")), labelled = true),
    Task("multiple-choice", listOf(BATCH, CHOICES, SEQUENCE), mapOf("logits" to listOf(BATCH, CHOICES))),
    Task(
        "question-answering", SEQUENCES,
        mapOf("start_logits" to SEQUENCES, "end_logits" to SEQUENCES),
        // Google's head for SQuAD v2.0; the names are those of the same head in transformers.
        heads = mapOf(
            "beam-search" to Head(
                mapOf(
                    "start_top_log_probs" to listOf(BATCH, "start_n_top"),
                    "start_top_index" to listOf(BATCH, "start_n_top"),
                    "end_top_log_probs" to listOf(BATCH, "start_n_top * end_n_top"),
                    "end_top_index" to listOf(BATCH, "start_n_top * end_n_top"),
                    "cls_logits" to listOf(BATCH),
                ),
                aligned = true,
            ),
        ),
    ),
).associateBy { it.name }
