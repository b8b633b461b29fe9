package albert.runtime.engines

// Graphs of static shapes take one sequence (`[1, 384]`); larger batches are computed one sequence at a time. The twin of
// `static_shapes.py`.

/** Whether a graph that declares the shape [declared] can compute [shape], at once or one sequence at a time. */
internal fun fits(shape: IntArray, declared: IntArray): Boolean =
    shape.size == declared.size && shape.indices.all { axis ->
        shape[axis] > 0 && (declared[axis] == -1 || declared[axis] == shape[axis] || (declared[axis] == 1 && axis < shape.size - 1))
    }

/**
 * The outputs of [compute], called for each index of those axes for which the graph takes only size 1.
 *
 * @param feed the inputs, which [fits] what is declared; all are of the same shape, unless the graph takes any number of them
 * @param declared the shape of the first input, -1 for any size; that of the others, unless it is dynamic
 */
internal fun runInParts(
    feed: Map<String, IdTensor>, declared: IntArray, compute: (Map<String, IdTensor>) -> Map<String, Tensor>,
): Map<String, Tensor> {
    val shape = feed.values.first().shape
    val axis = declared.indices.firstOrNull { declared[it] == 1 && shape[it] > 1 } ?: return compute(feed)
    // All axes before this one have size 1, so a part is a run of neighbouring numbers.
    val parts = List(shape[axis]) { place ->
        runInParts(feed.mapValues { (_, one) -> partOf(one, axis, place) }, declared, compute)
    }
    return parts.first().mapValues { (output, one) ->
        val whole = one.shape.copyOf().also { it[axis] = parts.size }
        val values = FloatArray(one.values.size * parts.size)
        parts.forEachIndexed { place, part -> part.getValue(output).values.copyInto(values, place * one.values.size) }
        Tensor(whole, values)
    }
}

private fun partOf(input: IdTensor, axis: Int, place: Int): IdTensor {
    val part = input.shape.copyOf().also { it[axis] = 1 }
    val count = input.values.size / input.shape[axis]
    return IdTensor(part, input.values.copyOfRange(place * count, (place + 1) * count))
}
