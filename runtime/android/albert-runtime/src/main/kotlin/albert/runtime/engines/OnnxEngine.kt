package albert.runtime.engines

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtLoggingLevel
import ai.onnxruntime.OrtSession
import ai.onnxruntime.TensorInfo
import albert.runtime.AlbertError
import albert.runtime.BundleError
import albert.runtime.OperatorError
import albert.runtime.UsageError
import albert.runtime.bundle.ModelData
import albert.runtime.listed
import java.nio.IntBuffer
import java.nio.LongBuffer
import java.util.concurrent.locks.ReentrantReadWriteLock
import kotlin.concurrent.read
import kotlin.concurrent.write

/** Parts of ONNX Runtime's messages about an operator, or a version of one, that it does not have. */
private val LACKS_OPERATOR = listOf(
    "is not a registered function/op", "No Op registered", "is under development", "Unsupported model IR version",
    "Could not find an implementation", "is supported for MatMulNBits op",
)

/** The beginning of ONNX Runtime's messages: an error code, and the path, which our messages already have. */
private val ORIGIN = Regex("^Error code - \\w+ - message: (Load model from .* failed:)?")

/**
 * An ONNX Runtime session on the processor. Several threads may run it at once. The twin of `onnx_engine.py`.
 *
 * Its worker threads sleep when they have nothing to do. By default, ONNX Runtime lets them spin, which gains little on
 * idle cores and keeps a phone awake after each answer.
 *
 * @param model the graph
 * @param path the graph's file, for messages
 * @param threads the number of threads that compute one run
 * @throws BundleError it is not an ONNX graph, or is damaged
 * @throws OperatorError the graph needs an operator, or an opset, that this ONNX Runtime lacks
 */
class OnnxEngine(model: ModelData, private val path: String, threads: Int) : Engine {
    private val file: String = path.substringAfterLast('/')
    private val environment: OrtEnvironment = OrtEnvironment.getEnvironment()
    private val session: OrtSession

    /** Runs read, and closing writes, so that no run loses its session halfway. */
    private val lock = ReentrantReadWriteLock()
    private var closed = false
    private val inputInfo: Map<String, TensorInfo>

    override val name: String get() = "onnx"
    override val version: String = versionOf(environment)
    override val inputs: Map<String, IntArray>
    override val outputs: Map<String, IntArray>

    init {
        session = try {
            OrtSession.SessionOptions().use { options ->
                options.setIntraOpNumThreads(threads)
                options.setInterOpNumThreads(1)
                options.addConfigEntry("session.intra_op.allow_spinning", "0")
                // Errors are thrown, so they need not be logged as well.
                options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL)
                open(model, options)
            }
        } catch (error: OrtException) {
            throw loadError(error)
        }
        try {
            inputInfo = session.inputInfo.mapValues { (_, node) -> node.info as TensorInfo }
            outputs = session.outputInfo.mapValues { (_, node) -> sizes(node.info as TensorInfo) }
            inputs = inputInfo.mapValues { (_, info) -> sizes(info) }
            val foreign = inputInfo.filterValues { it.type != OnnxJavaType.INT64 && it.type != OnnxJavaType.INT32 }
            if (foreign.isNotEmpty()) {
                val problems = foreign.map { (name, info) -> "$name: ${typeText(info)}" }
                throw BundleError(listed("$path has inputs of types that an ALBERT does not have:", problems))
            }
        } catch (error: AlbertError) {
            session.close()
            throw error
        }
    }

    private fun open(model: ModelData, options: OrtSession.SessionOptions): OrtSession {
        model.file?.let { return environment.createSession(it.path, options) }
        val buffer = model.buffer!!
        return try {
            environment.createSession(buffer, options)
        } catch (_: NoSuchMethodError) {
            // Before 1.20 the Java classes take an array only.
            environment.createSession(ByteArray(buffer.remaining()).also { buffer.duplicate().get(it) }, options)
        }
    }

    override fun run(feed: Map<String, IdTensor>): Map<String, Tensor> = lock.read {
        if (closed) throw UsageError("the session of $file has been closed; load the bundle again")
        checkGiven(file, inputInfo.mapValues { (_, info) -> "${axesText(info)}, ${typeText(info)}" }, feed)
        val own = inputs.keys.associateWith { feed.getValue(it) }
        refuseShapes(file, shapeProblems(own))
        runInParts(own, inputs.values.first(), ::compute)
    }

    private fun compute(feed: Map<String, IdTensor>): Map<String, Tensor> {
        val tensors = mutableMapOf<String, OnnxTensor>()
        try {
            for ((name, info) in inputInfo) tensors[name] = tensor(feed.getValue(name), info)
            return session.run(tensors).use { found -> found.associate { (name, value) -> name to numbers(value as OnnxTensor) } }
        } catch (error: OrtException) {
            val shapes = inputInfo.keys.joinToString(", ") { "$it ${shapeText(feed.getValue(it).shape)}" }
            val message = "onnxruntime $version can't run $file on $shapes: ${reason(error)}"
            throw if (error.code == OrtException.OrtErrorCode.ORT_INVALID_ARGUMENT) {
                UsageError(message, error)
            } else {
                BundleError(message, error)
            }
        } finally {
            tensors.values.forEach { it.close() }
        }
    }

    override fun close() = lock.write {
        if (!closed) session.close()
        closed = true
    }

    private fun tensor(input: IdTensor, info: TensorInfo): OnnxTensor {
        val shape = LongArray(input.shape.size) { input.shape[it].toLong() }
        if (info.type == OnnxJavaType.INT64) return OnnxTensor.createTensor(environment, LongBuffer.wrap(input.values), shape)
        val narrow = IntArray(input.values.size) { input.values[it].toInt() }
        return OnnxTensor.createTensor(environment, IntBuffer.wrap(narrow), shape)
    }

    private fun numbers(tensor: OnnxTensor): Tensor {
        val info = tensor.info as TensorInfo
        val values = when (info.type) {
            OnnxJavaType.INT64 -> tensor.longBuffer.let { found -> FloatArray(found.remaining()) { found.get().toFloat() } }
            OnnxJavaType.INT32 -> tensor.intBuffer.let { found -> FloatArray(found.remaining()) { found.get().toFloat() } }
            else -> tensor.floatBuffer.let { found -> FloatArray(found.remaining()).also { found.get(it) } }
        }
        return Tensor(sizes(info), values)
    }

    /** What is wrong with the shapes. ONNX Runtime itself checks only the number of axes, and computes anyway. */
    private fun shapeProblems(feed: Map<String, IdTensor>): List<String> {
        val sizes = mutableMapOf<String, Int>()
        return inputInfo.mapNotNull { (name, info) ->
            val shape = feed.getValue(name).shape
            val declared = inputs.getValue(name)
            val right = fits(shape, declared) && shape.indices.all { axis ->
                // An axis with a name has the same size in every input, and so has one that is computed in parts; one
                // without name and size takes any.
                val axisName = if (declared[axis] >= 0) "axis $axis" else info.dimensionNames[axis].ifEmpty { "$name $axis" }
                declared[axis] > 1 || shape[axis] == sizes.getOrPut(axisName) { shape[axis] }
            }
            if (right) null else "$name is ${shapeText(shape)}, the graph declares ${axesText(info)}"
        }
    }

    private fun loadError(error: OrtException): AlbertError {
        val text = reason(error)
        if (error.code == OrtException.OrtErrorCode.ORT_NOT_IMPLEMENTED || LACKS_OPERATOR.any { it in text }) {
            return OperatorError(
                "onnxruntime $version lacks an operator of $path: $text\n" +
                    "Upgrade it (com.microsoft.onnxruntime:onnxruntime-android), or export with a lower --opset.",
                error,
            )
        }
        return BundleError("onnxruntime $version can't load $path: $text", error)
    }
}

private fun versionOf(environment: OrtEnvironment): String =
    try {
        environment.version
    } catch (_: NoSuchMethodError) {
        "of unknown version"
    }

private fun sizes(info: TensorInfo): IntArray = IntArray(info.shape.size) { info.shape[it].toInt() }

/** The axes as Python's onnxruntime shows them: names in quotes, or sizes. */
private fun axesText(info: TensorInfo): String = info.shape.indices.joinToString(", ", "[", "]") { axis ->
    if (info.shape[axis] >= 0) "${info.shape[axis]}" else "'${info.dimensionNames[axis]}'"
}

private fun typeText(info: TensorInfo): String = "tensor(${info.type.toString().lowercase()})"

/** The first line of ONNX Runtime's message, without the error code and the path. */
private fun reason(error: OrtException): String = (error.message ?: "").trim().substringBefore('\n').replace(ORIGIN, "")
