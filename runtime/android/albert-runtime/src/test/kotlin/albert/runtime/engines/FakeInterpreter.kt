package albert.runtime.engines

import org.tensorflow.lite.DataType
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.Tensor as LiteTensor
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A tensor of the fake interpreter; its bytes exist once tensors are allocated. */
internal class FakeTensor(private val name: String, private val declared: IntArray, private val type: DataType) : LiteTensor {
    var data: ByteBuffer = ByteBuffer.allocate(0)
    var shape: IntArray = IntArray(declared.size) { maxOf(declared[it], 1) }

    override fun name(): String = name

    override fun dataType(): DataType = type

    override fun shape(): IntArray = shape

    override fun shapeSignature(): IntArray = declared

    override fun asReadOnlyBuffer(): ByteBuffer = data.asReadOnlyBuffer()
}

/**
 * Computes "logits", two for each token: the id and the token's position, as the real interpreter would be used. It refuses
 * what the real one refuses: buffers of another size, and running before tensors are allocated.
 */
internal class FakeInterpreter(
    val inputTensors: List<FakeTensor>, val outputTensors: List<FakeTensor>, private val failure: String? = null,
) : InterpreterApi {
    val resizes = mutableListOf<String>()
    var runs = 0
    var isClosed = false
    private var isAllocated = false

    override fun getInputTensorCount(): Int = inputTensors.size

    override fun getInputTensor(index: Int): LiteTensor = inputTensors[index]

    override fun getOutputTensorCount(): Int = outputTensors.size

    override fun getOutputTensor(index: Int): LiteTensor = outputTensors[index]

    override fun resizeInput(index: Int, shape: IntArray) {
        resizes += "$index ${shape.contentToString()}"
        inputTensors[index].shape = shape
        isAllocated = false
    }

    override fun allocateTensors() {
        if (failure != null) throw IllegalStateException(failure)
        isAllocated = true
    }

    override fun runForMultipleInputsOutputs(inputs: Array<Any?>, outputs: Map<Int, Any?>) {
        check(isAllocated) { "tensors are not allocated" }
        check(outputs.values.all { it == null }) { "the sizes of outputs are not known before the run" }
        runs++
        val ids = inputTensors.mapIndexed { number, tensor ->
            val given = (inputs[number] as ByteBuffer).order(ByteOrder.nativeOrder())
            val count = tensor.shape.fold(1) { product, size -> product * size }
            require((given as Buffer).remaining() == 4 * count) { "${tensor.name()} needs ${4 * count} bytes" }
            tensor.name() to IntArray(count).also { given.asIntBuffer().get(it) }
        }.toMap().let { it["input_ids"] ?: it.getValue("ids") }
        require(ids.none { it < 0 }) { "gather index out of boundsNode number 3 (GATHER) failed to invoke." }
        for (output in outputTensors) {
            output.data = ByteBuffer.allocateDirect(8 * ids.size).order(ByteOrder.nativeOrder())
            ids.forEachIndexed { place, id -> output.data.putFloat(8 * place, id.toFloat()).putFloat(8 * place + 4, place.toFloat()) }
        }
    }

    override fun close() {
        isClosed = true
    }
}
