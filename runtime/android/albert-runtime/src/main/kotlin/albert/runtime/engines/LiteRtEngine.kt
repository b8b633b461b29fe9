package albert.runtime.engines

import albert.runtime.AlbertError
import albert.runtime.BundleError
import albert.runtime.INPUT_NAMES
import albert.runtime.MASKED_POSITIONS
import albert.runtime.OperatorError
import albert.runtime.UsageError
import albert.runtime.bundle.ModelData
import albert.runtime.listed
import org.tensorflow.lite.DataType
import org.tensorflow.lite.InterpreterApi
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The tensor names of TFLite Task Library -> the names of [albert.runtime.TASKS]. */
private val ALIASES =
    mapOf("ids" to "input_ids", "mask" to "attention_mask", "segment_ids" to "token_type_ids", "probability" to "logits")

/** The only output of TFLite Task Library with another meaning: the softmax of our logits. */
private const val PROBABILITY = "probability"

/** The smallest normal float32: the softmax of the logarithms is the probabilities again, and that of 0 stays finite. */
private const val LEAST_PROBABILITY = 1.17549435e-38f

/** What TensorFlow's signatures put around the name of an input's tensor. */
private val DECORATION = Regex("^(?:serving_default_)?(.*?)(?::0)?$")

/** An input or output of the graph: its name there, its number, and the sizes of its axes, -1 for any. */
private class GraphTensor(val name: String, val number: Int, val shape: IntArray, val type: DataType)

/**
 * A LiteRT (TensorFlow Lite) interpreter on the processor. Several threads may call it; they wait for each other, because
 * one run already uses all its threads. The twin of `tflite_engine.py`.
 *
 * Inputs and outputs are bound by the names of their tensors, which are those of the signature in exported graphs. A
 * graph for one sequence (`[1, 384]`) computes larger batches and several choices one sequence at a time. Any
 * implementation of [InterpreterApi] will do: that of `com.google.ai.edge.litert:litert`, of `org.tensorflow:
 * tensorflow-lite`, or of Google Play services.
 *
 * @param model the graph
 * @param path the graph's file, for messages
 * @param threads the number of threads that compute one run
 * @param create opens the interpreter; tests and apps that need other options give their own
 * @throws BundleError it is not a TFLite graph, or is damaged
 * @throws OperatorError the graph needs an operator, or a version of one, that this interpreter lacks
 */
class LiteRtEngine(
    model: ModelData,
    private val path: String,
    threads: Int,
    create: (ModelData, InterpreterApi.Options) -> InterpreterApi = ::createInterpreter,
) : Engine {
    private val file: String = path.substringAfterLast('/')
    private val interpreter: InterpreterApi
    private val boundInputs: Map<String, GraphTensor>
    private val boundOutputs: Map<String, GraphTensor>

    /** The shapes of the inputs that the interpreter is set to; null if they are not known. */
    private var shapes: Map<String, List<Int>>? = null
    private var closed = false

    override val name: String get() = "litert"
    override val version: String = versionOf()
    override val inputs: Map<String, IntArray>
    override val outputs: Map<String, IntArray>

    init {
        try {
            interpreter = create(model, InterpreterApi.Options().setNumThreads(threads))
            boundInputs = bind((0 until interpreter.inputTensorCount).map { it to interpreter.getInputTensor(it) })
            boundOutputs = bind((0 until interpreter.outputTensorCount).map { it to interpreter.getOutputTensor(it) })
            // This is done now, not at the first run: it reports missing operators and takes most of the loading time.
            interpreter.allocateTensors()
        } catch (error: RuntimeException) {
            throw loadError(error)
        }
        inputs = (INPUT_NAMES + boundInputs.keys).distinct().filter { it in boundInputs }
            .associateWith { boundInputs.getValue(it).shape }
        outputs = boundOutputs.mapValues { it.value.shape }
    }

    override fun run(feed: Map<String, IdTensor>): Map<String, Tensor> {
        checkGiven(file, boundInputs.mapValues { (_, one) -> "${shapeText(one.shape)}, ${one.type.toString().lowercase()}" }, feed)
        val own = inputs.keys.associateWith { feed.getValue(it) }
        refuseShapes(file, shapeProblems(own))
        return runInParts(own, inputs.values.first(), ::compute)
    }

    override fun close() = synchronized(this) {
        if (!closed) interpreter.close()
        closed = true
    }

    private fun shapeProblems(feed: Map<String, IdTensor>): List<String> {
        val (first, firstInput) = feed.entries.first()
        return feed.mapNotNull { (name, input) ->
            val declared = boundInputs.getValue(name).shape
            when {
                !fits(input.shape, declared) -> "$name is ${shapeText(input.shape)}, the graph takes ${shapeText(declared)}"
                // Masked positions have the batch in common with the ids, and another number of columns.
                name == MASKED_POSITIONS && input.shape[0] == firstInput.shape[0] -> null
                !input.shape.contentEquals(firstInput.shape) ->
                    "$name is ${shapeText(input.shape)}, $first is ${shapeText(firstInput.shape)}"
                else -> null
            }
        }
    }

    private fun compute(feed: Map<String, IdTensor>): Map<String, Tensor> = synchronized(this) {
        if (closed) throw UsageError("the session of $file has been closed; load the bundle again")
        val wanted = feed.mapValues { (_, input) -> input.shape.toList() }
        try {
            if (wanted != shapes) resize(wanted)
            val given = arrayOfNulls<Any>(boundInputs.size)
            for ((name, input) in feed) boundInputs.getValue(name).let { given[it.number] = bytes(input, it.type) }
            // The sizes of dynamic outputs are known afterwards only, so they are read from the tensors.
            interpreter.runForMultipleInputsOutputs(given, boundOutputs.values.associate { it.number to null })
            boundOutputs.mapValues { (_, output) -> read(output, (feed[MASKED_POSITIONS] ?: feed.values.first()).shape) }
        } catch (error: RuntimeException) {
            if (error is AlbertError) throw error
            throw runError(error, wanted)
        }
    }

    private fun resize(wanted: Map<String, List<Int>>) {
        shapes = null // if this method fails halfway, the next run must resize again
        for ((number, shape) in wanted.map { (name, shape) -> boundInputs.getValue(name).number to shape }.sortedBy { it.first }) {
            interpreter.resizeInput(number, shape.toIntArray())
        }
        interpreter.allocateTensors()
        shapes = wanted
    }

    private fun read(output: GraphTensor, wanted: IntArray): Tensor {
        val found = interpreter.getOutputTensor(output.number).asReadOnlyBuffer().order(ByteOrder.nativeOrder())
        val values = when (output.type) {
            DataType.INT32 -> found.asIntBuffer().let { ints -> FloatArray(ints.remaining()) { ints.get().toFloat() } }
            DataType.INT64 -> found.asLongBuffer().let { longs -> FloatArray(longs.remaining()) { longs.get().toFloat() } }
            else -> found.asFloatBuffer().let { floats -> FloatArray(floats.remaining()).also { floats.get(it) } }
        }
        // An axis of an output without a size of its own is the same axis of the inputs: the batch, or the sequence; or
        // with positions of masks, their number.
        val sizes = IntArray(output.shape.size) { axis -> if (output.shape[axis] >= 0) output.shape[axis] else wanted[axis] }
        if (sizeOf(sizes) != values.size) {
            throw BundleError(
                "$file gives ${values.size} numbers for ${output.name} on inputs of ${shapeText(wanted)}, " +
                    "and should give ${shapeText(sizes)}; export the model again",
            )
        }
        if (output.name == PROBABILITY) {
            for (place in values.indices) values[place] = Math.log(maxOf(values[place], LEAST_PROBABILITY).toDouble()).toFloat()
        }
        return Tensor(sizes, values)
    }

    private fun loadError(error: RuntimeException): AlbertError {
        if (error is AlbertError) return error
        val reason = reason(error)
        val lack = lackOfOperators(reason)
            ?: return BundleError("$name $version can't load $path: $reason; export the model again", error)
        return OperatorError(listed("$name $version lacks operators of $path:", lack.operators) + "\n${lack.advice}", error)
    }

    private fun runError(error: RuntimeException, wanted: Map<String, List<Int>>): AlbertError {
        val reason = reason(error)
        val what = "$name $version can't run $file on inputs of ${wanted.values.distinct().joinToString(" and ")}: $reason"
        if ("gather index out of bounds" in reason) {
            return UsageError("$what; an id is none of the model's, or a sequence has more tokens than it takes", error)
        }
        // If tensors can't be allocated for this shape, but could be for another, the request is wrong, not the graph.
        return if (shapes == null) UsageError(what, error) else BundleError(what, error)
    }
}

private fun createInterpreter(model: ModelData, options: InterpreterApi.Options): InterpreterApi =
    model.file?.let { InterpreterApi.create(it, options) }
        ?: InterpreterApi.create(model.buffer!!.duplicate().order(ByteOrder.nativeOrder()), options)

private fun bind(tensors: List<Pair<Int, org.tensorflow.lite.Tensor>>): Map<String, GraphTensor> =
    tensors.associate { (number, tensor) ->
        val name = DECORATION.find(tensor.name())!!.groupValues[1]
        (ALIASES[name] ?: name) to GraphTensor(name, number, tensor.shapeSignature(), tensor.dataType())
    }

private fun bytes(input: IdTensor, type: DataType): ByteBuffer {
    val wide = type == DataType.INT64
    val buffer = ByteBuffer.allocateDirect(input.values.size * if (wide) 8 else 4).order(ByteOrder.nativeOrder())
    // The views leave the position of the buffer at its beginning, where the interpreter reads from.
    if (wide) buffer.asLongBuffer().put(input.values) else buffer.asIntBuffer().put(IntArray(input.values.size) { input.values[it].toInt() })
    return buffer
}

/** The interpreter's message in one line; it leaves out the space before "Node number 3 (GATHER) failed". */
private fun reason(error: RuntimeException): String =
    (error.message ?: error.javaClass.simpleName).replace("Node number", " Node number").trim().replace(Regex("\\s+"), " ")

private fun versionOf(): String =
    try {
        org.tensorflow.lite.TensorFlowLite.runtimeVersion()
    } catch (_: LinkageError) { // the class is not in every library that has an interpreter
        "of unknown version"
    } catch (_: RuntimeException) { // nor is its native part
        "of unknown version"
    }
