package albert.runtime.conformance

import albert.runtime.AlbertQuestionAnswerer
import albert.runtime.json.Json
import java.io.File

/**
 * Answers the first questions of a file in SQuAD's format and prints a JSON object for each, with offsets in UTF-16 units.
 *
 *     QuestionsCommand BUNDLE FILE.json COUNT
 */
object QuestionsCommand {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val (bundle, file, count) = arguments
        val data = (Json.parse(File(file).readText()) as Map<*, *>)["data"] as List<*>
        val paragraphs = data.flatMap { (it as Map<*, *>)["paragraphs"] as List<*> }.map { it as Map<*, *> }
        val questions = paragraphs.flatMap { paragraph ->
            (paragraph["qas"] as List<*>).map { (it as Map<*, *>)["question"] as String to paragraph["context"] as String }
        }
        AlbertQuestionAnswerer.load(bundle).use { answerer ->
            for ((question, context) in questions.take(count.toInt())) {
                println(json(recordOf(answerer.answer(question, context))))
            }
        }
    }
}
