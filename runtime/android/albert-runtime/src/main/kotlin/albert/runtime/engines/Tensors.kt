package albert.runtime.engines

/**
 * Numbers in an array of any number of axes, the last axis running fastest: an output of a graph.
 *
 * @property shape the size of each axis
 * @property values as many numbers as the product of the sizes
 */
class Tensor(val shape: IntArray, val values: FloatArray) {
    init {
        require(sizeOf(shape) == values.size) { "the shape ${shape.contentToString()} is not that of ${values.size} numbers" }
    }

    /** The size of the last axis. */
    val width: Int get() = shape.last()

    /** The numbers of one row of the last axis, counted over all axes before it. */
    fun row(index: Int): FloatArray = values.copyOfRange(index * width, (index + 1) * width)

    /** The number of rows of the last axis. */
    val rows: Int get() = if (width == 0) 0 else values.size / width

    /** The part at [index] of the first axis, without that axis. */
    fun part(index: Int): Tensor {
        val rest = shape.copyOfRange(1, shape.size)
        val count = sizeOf(rest)
        return Tensor(rest, values.copyOfRange(index * count, (index + 1) * count))
    }

    companion object {
        /** A tensor of one axis. */
        fun of(vararg values: Float): Tensor = Tensor(intArrayOf(values.size), values)
    }
}

/**
 * Whole numbers in an array of any number of axes: an input of a graph, which an engine narrows to what the graph takes.
 *
 * @property shape the size of each axis
 * @property values as many numbers as the product of the sizes
 */
class IdTensor(val shape: IntArray, val values: LongArray) {
    init {
        require(sizeOf(shape) == values.size) { "the shape ${shape.contentToString()} is not that of ${values.size} numbers" }
    }

    /** The same numbers in another shape. */
    fun reshaped(vararg shape: Int): IdTensor = IdTensor(shape, values)
}

/** The product of the sizes of all axes. */
internal fun sizeOf(shape: IntArray): Int = shape.fold(1) { product, size -> Math.multiplyExact(product, size) }

/** A shape as messages write it: `[1, any]`, where -1 stands for any size. */
internal fun shapeText(shape: IntArray): String = shape.joinToString(", ", "[", "]") { if (it < 0) "any" else "$it" }
