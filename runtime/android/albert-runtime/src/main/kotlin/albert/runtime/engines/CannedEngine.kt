package albert.runtime.engines

import albert.runtime.TASKS

/**
 * Returns the outputs that it was given: an engine without a model, for tests of the code that uses a session.
 *
 * @param task the full name of the task whose outputs it returns
 * @param head the head whose outputs these are, see [albert.runtime.Task.head]
 * @param answer the outputs for the inputs of a run; called from several threads if the session is
 */
class CannedEngine(
    task: String,
    head: String = "",
    private val answer: (Map<String, IdTensor>) -> Map<String, Tensor>,
) : Engine {
    private val graph = TASKS.getValue(task).withHead(head)

    override val name: String = "canned"
    override val version: String = "0"
    override val inputs: Map<String, IntArray> =
        graph.inputNames.associateWith { name -> IntArray((graph.moreInputs[name] ?: graph.inputAxes).size) { -1 } }
    override val outputs: Map<String, IntArray> = graph.outputs.mapValues { (_, axes) -> IntArray(axes.size) { -1 } }

    override fun run(feed: Map<String, IdTensor>): Map<String, Tensor> {
        val given = answer(feed)
        return outputs.keys.filter { it in given }.associateWith { given.getValue(it) }
    }
}
