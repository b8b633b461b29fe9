package albert.runtime.tokenization.fast

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.listed
import albert.runtime.tokenization.AlignedText
import albert.runtime.tokenization.Piece
import albert.runtime.tokenization.PieceModel
import albert.runtime.tokenization.PieceTrie
import albert.runtime.tokenization.SentencePieceProcessor
import albert.runtime.tokenization.WORD_START
import albert.runtime.tokenization.codePoints
import albert.runtime.tokenization.isTrue
import albert.runtime.tokenization.textOf
import albert.runtime.tokenization.utf8Byte
import albert.runtime.tokenization.utf8Size

/** The score of an unknown character is so much below the lowest score of a piece. */
private const val UNKNOWN_PENALTY = 10.0

/** So many characters of an entry are shown in messages. */
private const val SHOWN = 60
private const val LARGEST_SCORE = 1e30

/**
 * The Unigram vocabulary of a tokenizer.json: pieces and their log probabilities; a word is split into the most probable
 * pieces (Viterbi). The twin of `fast/unigram_model.py`.
 *
 * Sums and ties are those of `Unigram::encode_optimized` in huggingface/tokenizers (models/unigram/model.rs), which adds
 * 64-bit numbers. SentencePiece adds 32-bit numbers, and splits "!!!!" the other way round.
 *
 * @param model the "model" of a tokenizer.json
 * @throws UnsupportedError it is damaged; the message lists every problem
 */
internal class UnigramModel(model: Map<*, *>) : PieceModel {
    private val pieces: List<String>
    private val scores: DoubleArray
    private val unknownId: Int
    private val spellsBytes: Boolean
    private val ids = HashMap<String, Int>()
    private val trie: PieceTrie
    private val unknownScore: Double

    init {
        val problems = vocabularyProblems(model)
        if (problems.isNotEmpty()) throw UnsupportedError(listed("the vocabulary of tokenizer.json is damaged:", problems))
        val entries = (model["vocab"] as List<*>).map { it as List<*> }
        pieces = entries.map { it[0] as String }
        scores = DoubleArray(entries.size) { (entries[it][1] as Number).toDouble() }
        unknownId = (model["unk_id"] as Long).toInt()
        spellsBytes = isTrue(model["byte_fallback"])
        for ((id, piece) in pieces.withIndex()) ids[piece] = id
        trie = PieceTrie(ids.filterKeys { it.isNotEmpty() })
        unknownScore = scores.min() - UNKNOWN_PENALTY
    }

    override val maskTakesSpace get() = false
    override val size: Int get() = pieces.size

    override fun idOf(piece: String): Int = ids[piece] ?: unknownId

    override fun pieceOf(id: Int): String = pieces[id]

    override fun holds(piece: String): Boolean = piece in ids

    override fun join(pieces: List<String>): String = pieces.joinToString("").replace(WORD_START, ' ').removePrefix(" ")

    /** The pieces of a word, or of a text in which each space is a "▁". The mark is not part of the spans. */
    override fun split(text: AlignedText): List<Piece> {
        val found = ArrayList<Piece>()
        val mark = WORD_START.code
        for ((start, end) in bestPath(text.codes)) {
            var first = start
            while (first < end && text.codes[first] == mark) first++
            var last = end - 1
            while (last >= start && text.codes[last] == mark) last--
            // A piece that is only a space stands for no character: its place is the character behind it.
            val begin = if (first < text.size) text.starts[first] else text.ends.last()
            val stop = if (last >= first) text.ends[last] else begin
            val piece = textOf(text.codes, start, end)
            val names = if (spellsBytes && piece !in ids) bytesOf(text.codes, start, end) else null
            if (names == null) found += Piece(piece, begin, stop)
            else for (name in names) found += Piece(name, begin, stop)
        }
        return found
    }

    /** The pieces of the bytes of some characters; null if the vocabulary lacks one of them. */
    private fun bytesOf(codes: IntArray, start: Int, end: Int): List<String>? {
        val names = (start until end).flatMap { place ->
            val bytes = utf8Size(codes[place])
            (0 until bytes).map { SentencePieceProcessor.pieceOfByte(utf8Byte(codes[place], it, bytes)) }
        }
        return names.takeIf { all -> all.all { it in ids } }
    }

    /** Start and end of each piece; neighbouring unknown characters are one piece. */
    private fun bestPath(codes: IntArray): List<Pair<Int, Int>> {
        val size = codes.size
        val best = DoubleArray(size + 1)
        val begins = IntArray(size + 1) { -1 }
        val known = BooleanArray(size + 1)
        for (start in 0 until size) {
            val before = best[start]
            var single = false
            var node = PieceTrie.ROOT
            for (end in start + 1..size) {
                node = trie.child(node, codes[end - 1])
                if (node < 0) break
                val id = trie.value(node)
                if (id < 0) continue
                if (end == start + 1) single = true
                if (begins[end] < 0 || before + scores[id] > best[end]) {
                    best[end] = before + scores[id]
                    begins[end] = start
                    known[end] = id != unknownId
                }
            }
            val end = start + 1
            if (!single && (begins[end] < 0 || before + unknownScore > best[end])) {
                best[end] = before + unknownScore
                begins[end] = start
                known[end] = false
            }
        }
        return joinedUnknowns(begins, known)
    }

    private companion object {
        /** The spans of the path that [begins] describes, in order. */
        fun joinedUnknowns(begins: IntArray, known: BooleanArray): List<Pair<Int, Int>> {
            val found = ArrayList<Pair<Int, Int>>()
            var end = begins.size - 1
            var unknownEnd = end
            while (end > 0) {
                val start = begins[end]
                if (known[end]) {
                    if (unknownEnd > end) found += Pair(end, unknownEnd)
                    found += Pair(start, end)
                    unknownEnd = start
                }
                end = start
            }
            if (unknownEnd > 0) found += Pair(0, unknownEnd)
            return found.asReversed()
        }

        /** What is wrong with the "model" of a tokenizer.json, which is a Unigram model. */
        fun vocabularyProblems(model: Map<*, *>): List<String> {
            val vocabulary = model["vocab"] as? List<*>
            if (vocabulary.isNullOrEmpty()) return listOf("vocab must be a list of pieces and scores")
            val problems = vocabulary.withIndex().filterNot { isEntry(it.value) }
                .map { (index, entry) -> "vocab[$index] is ${PythonText.repr(entry).take(SHOWN)}" }
            val unknown = model["unk_id"]
            if (unknown is Long && unknown in vocabulary.indices) return problems
            return problems + "unk_id is ${PythonText.repr(unknown)}, which is not the number of a piece"
        }

        fun isEntry(entry: Any?): Boolean {
            if (entry !is List<*> || entry.size != 2) return false
            val piece = entry[0] as? String ?: return false
            val score = (entry[1] as? Number)?.toDouble() ?: return false
            return Math.abs(score) < LARGEST_SCORE && codePoints(piece).none { it in 0xD800..0xDFFF }
        }

    }
}
