package albert.runtime.engines

import albert.runtime.AlbertError
import albert.runtime.BundleError
import albert.runtime.DependencyError
import albert.runtime.UnsupportedError
import albert.runtime.UsageError
import albert.runtime.bundle.ModelData
import albert.runtime.listed
import java.io.Closeable

/** A loaded graph: named numbers in, named numbers out. [run] may be called from several threads at once. */
interface Engine : Closeable {
    /** The name of the engine, for messages. */
    val name: String

    /** The version of the library that computes. */
    val version: String

    /** The name of each input -> the sizes of its axes, -1 for any size. */
    val inputs: Map<String, IntArray>

    /** The name of each output -> the sizes of its axes, -1 for any size. */
    val outputs: Map<String, IntArray>

    /**
     * Compute every output, as float32. [feed] may hold inputs that the graph does not declare; they are ignored.
     *
     * @throws UsageError an input is missing, or has a shape that the graph does not take
     * @throws BundleError the graph can't be run
     */
    fun run(feed: Map<String, IdTensor>): Map<String, Tensor>

    override fun close() {}
}

/** One kind of engine. */
private class Kind(
    val name: String,
    /** the suffixes of its model files */
    val suffixes: List<String>,
    /** a class of the library that computes */
    val needs: String,
    /** what a build file says to get the library */
    val dependency: String,
    /** loads a model; the engine's class is loaded here, so that an app may leave out the libraries of the others */
    val open: (model: ModelData, path: String, threads: Int) -> Engine,
)

private val KINDS = listOf(
    Kind(
        "onnx", listOf(".onnx", ".ort"), "ai.onnxruntime.OrtEnvironment",
        "implementation(\"com.microsoft.onnxruntime:onnxruntime-android:VERSION\")",
    ) { model, path, threads -> OnnxEngine(model, path, threads) },
    Kind(
        "litert", listOf(".tflite"), "org.tensorflow.lite.InterpreterApi",
        "implementation(\"com.google.ai.edge.litert:litert:VERSION\")",
    ) { model, path, threads -> LiteRtEngine(model, path, threads) },
)

/**
 * Load a graph into an engine. The twin of `engines.open_engine`.
 *
 * @param model the graph
 * @param path the graph's file, whose suffix says what it is, and which messages name
 * @param threads the number of threads that compute one run; null means the processor's cores
 * @param name "onnx" or "litert"; null means the one that runs such a file
 * @throws UsageError there is no such engine, or the number of threads is below 1
 * @throws UnsupportedError no engine runs such a file, or the engine called [name] does not
 * @throws DependencyError the engine's library is not in the app
 * @throws AlbertError the graph can't be loaded
 */
fun openEngine(model: ModelData, path: String, threads: Int? = null, name: String? = null): Engine {
    if (threads != null && threads < 1) throw UsageError("threads must be a whole number, 1 or more, not $threads")
    val file = path.substringAfterLast('/')
    val kind = kindFor(file, name)
    try {
        Class.forName(kind.needs, false, Engine::class.java.classLoader)
    } catch (error: ClassNotFoundException) {
        throw DependencyError(
            listed("$file needs what can't be imported:", listOf("${kind.needs}: ${kind.dependency}")), error,
        )
    }
    return kind.open(model, path, threads ?: Runtime.getRuntime().availableProcessors())
}

private fun kindFor(file: String, name: String?): Kind {
    val able = KINDS.firstOrNull { kind -> kind.suffixes.any { file.endsWith(it) } }
    if (name == null) {
        return able ?: throw UnsupportedError(
            "no engine runs a file like $file; supported: ${KINDS.flatMap { it.suffixes }.joinToString(", ")}",
        )
    }
    val named = KINDS.firstOrNull { it.name == name }
        ?: throw UsageError("there is no engine '$name'; the engines are: ${KINDS.joinToString(", ") { it.name }}")
    // If no engine has this suffix, the suffix does not tell what the file is, and the engine that was named may try.
    if (able != null && able !== named) {
        throw UnsupportedError(
            "the engine '$name' runs ${named.suffixes.first()} files and can't run $file; '${able.name}' can: " +
                "leave the engine out, or give engine='${able.name}'",
        )
    }
    return named
}

/** What must be given is not there. */
internal fun checkGiven(file: String, inputs: Map<String, String>, feed: Map<String, IdTensor>) {
    val missing = inputs.filterKeys { it !in feed }.map { (name, what) -> "$name $what" }
    if (missing.isNotEmpty()) throw UsageError(listed("$file needs inputs that were not given:", missing))
}

/** Refuse inputs whose shapes the graph does not take; [problems] say which. */
internal fun refuseShapes(file: String, problems: List<String>) {
    if (problems.isNotEmpty()) throw UsageError(listed("$file does not take inputs of these shapes:", problems))
}
