package albert.runtime.tokenization.fast

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.listed
import albert.runtime.tokenization.AlignedText
import albert.runtime.tokenization.CONTINUATION
import albert.runtime.tokenization.LONGEST_WORD
import albert.runtime.tokenization.Piece
import albert.runtime.tokenization.PieceModel
import albert.runtime.tokenization.TextNormalizer
import albert.runtime.tokenization.TextSplitter
import albert.runtime.tokenization.WordPieceModel

/** What a tokenizer.json says of the way from a text to its pieces. The twin of `fast/rules.py`. */
internal class FastRules(val added: FastAddedTokens, val preTokenizer: Split, val model: PieceModel) {
    companion object {
        /**
         * The rules in the content of a tokenizer.json.
         *
         * @param content the object in the file
         * @param source what error messages call the file
         * @throws UnsupportedError a part of it is not supported; the message lists all parts that are not
         */
        fun of(content: Map<*, *>, source: String): FastRules {
            val problems = ArrayList<String>()

            fun <T : Any> read(part: () -> T): T? = try {
                part()
            } catch (error: UnsupportedError) {
                problems += error.message ?: ""
                null
            }
            val normalizer = read { readNormalizer(content["normalizer"]) }
            val preTokenizer = read { readPreTokenizer(content["pre_tokenizer"]) }
            val added = read { FastAddedTokens(content["added_tokens"] ?: emptyList<Any?>(), normalizer ?: TextNormalizer { it }) }
            val model = read { readModel(content["model"], source) }
            if (preTokenizer == null || added == null || model == null || problems.isNotEmpty()) {
                throw UnsupportedError(listed("$source asks for a tokenizer that can't be made:", problems))
            }
            return FastRules(added, preTokenizer, model)
        }

        private fun readModel(model: Any?, source: String): PieceModel {
            val fields = model as? Map<*, *> ?: emptyMap<String, Any?>()
            return when (val kind = fields["type"]) {
                "Unigram" -> UnigramModel(fields)
                "WordPiece" -> WordPieceModel(source, fields["unk_token"].let { it as? String ?: PythonText.repr(it) }, wordPieces(fields))
                else -> throw UnsupportedError("the vocabulary is ${kind ?: "missing"}; supported are Unigram and WordPiece")
            }
        }

        /** The pieces of a WordPiece model in the order of their ids. */
        private fun wordPieces(model: Map<*, *>): List<String> {
            val usual = mapOf("continuing_subword_prefix" to CONTINUATION, "max_input_chars_per_word" to LONGEST_WORD.toLong())
            val problems = usual.filter { (name, value) -> name in model && model[name] != value }.map { (name, value) ->
                "$name is ${PythonText.repr(model[name])}; only ${PythonText.repr(value)} is supported"
            }.toMutableList()
            val pieces = model["vocab"] as? Map<*, *>
            val byId = pieces?.entries?.associate { (piece, id) -> id to piece as String } ?: emptyMap()
            val inOrder = (0 until (pieces?.size ?: 0)).mapNotNull { byId[it.toLong()] }
            if (pieces == null || inOrder.size != pieces.size) {
                problems += "vocab must give the pieces the ids 0, 1, 2, ... without a gap"
            } else if (inOrder.any { '\n' in it || '\r' in it }) {
                problems += "a piece holds a line break"
            }
            if (problems.isNotEmpty()) throw UnsupportedError(listed("the vocabulary can't be written as a vocab.txt:", problems))
            return inOrder
        }
    }
}

/** Splits texts into pieces by [FastRules]. It never changes after construction, so threads may share it. */
internal class FastSplitter(private val rules: FastRules) : TextSplitter {
    override fun sections(text: String): List<List<Piece>> = rules.added.split(AlignedText.of(text)).map { section ->
        if (section.token != null) listOf(Piece(section.token, section.text.starts.first(), section.text.ends.last()))
        else rules.preTokenizer.split(section.text).flatMap(rules.model::split)
    }
}
