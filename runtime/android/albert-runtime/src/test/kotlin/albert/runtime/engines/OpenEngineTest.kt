package albert.runtime.engines

import albert.runtime.UnsupportedError
import albert.runtime.UsageError
import albert.runtime.bundle.ModelData
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import java.io.File
import java.net.URL
import java.net.URLClassLoader

class OpenEngineTest {
    private val model = ModelData.of(File("model.onnx"))

    private fun refusal(kind: Class<out Throwable>, file: String, threads: Int? = null, name: String? = null): String =
        assertThrows(kind) { openEngine(model, file, threads, name) }.message!!

    @Test
    fun whatNoEngineRunsIsRefused() {
        assertEquals(
            "no engine runs a file like model.bin; supported: .onnx, .ort, .tflite",
            refusal(UnsupportedError::class.java, "a/model.bin"),
        )
        assertEquals("there is no engine 'x'; the engines are: onnx, litert", refusal(UsageError::class.java, "model.onnx", name = "x"))
        assertEquals(
            "the engine 'litert' runs .tflite files and can't run model.onnx; 'onnx' can: leave the engine out, or give " +
                "engine='onnx'",
            refusal(UnsupportedError::class.java, "model.onnx", name = "litert"),
        )
        assertEquals("threads must be a whole number, 1 or more, not 0", refusal(UsageError::class.java, "model.onnx", threads = 0))
    }

    /** The library runs without either engine's classes, and names the one that is missing when it is asked for. */
    @Test
    fun anEngineThatIsNotThereIsNamed() {
        val kept = listOf(Engine::class.java, kotlin.Unit::class.java).map { it.protectionDomain.codeSource.location }
        URLClassLoader(kept.toTypedArray<URL>(), ClassLoader.getPlatformClassLoader()).use { loader ->
            val data = loader.loadClass("albert.runtime.bundle.ModelData")
            val companion = data.getField("Companion").get(null)
            val made = companion.javaClass.getMethod("of", File::class.java).invoke(companion, File("model.onnx"))
            val open = loader.loadClass("albert.runtime.engines.EngineKt").methods.single { it.name == "openEngine" }
            val cause = assertThrows(java.lang.reflect.InvocationTargetException::class.java) {
                open.invoke(null, made, "folder/model.tflite", null, null)
            }.cause!!
            assertEquals("albert.runtime.DependencyError", cause.javaClass.name)
            assertEquals(
                "model.tflite needs what can't be imported:\n  - org.tensorflow.lite.InterpreterApi: " +
                    "implementation(\"com.google.ai.edge.litert:litert:VERSION\")",
                cause.message,
            )
        }
    }
}
