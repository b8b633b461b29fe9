package albert.runtime.tokenization

/**
 * Splits a normalized text into the most probable pieces (Viterbi), as `unigram::Model::EncodeOptimized` of
 * google/sentencepiece 0.2.3 (src/unigram_model.cc) does: sums have 32 bits, and of two equal paths the one that is
 * found first is taken. A sum below [LOWEST_SUM] becomes 0 again, as was observed with the library, since the sums
 * of long texts would have too few bits otherwise.
 *
 * @param pieces the pieces that may be found in a text, and their ids
 * @param userDefined whether each id is a user-defined piece, which is preferred to all others
 */
internal class UnigramEncoder(
    pieces: Map<String, Int>,
    private val scores: FloatArray,
    private val userDefined: BooleanArray,
    private val unused: BooleanArray,
    lowest: Float,
    private val unknownId: Int,
) : PieceEncoder {
    private val trie = PieceTrie(pieces)
    private val unknownScore = lowest - UNKNOWN_PENALTY

    override fun encode(codes: IntArray, found: (id: Int, start: Int, end: Int) -> Unit) {
        val size = codes.size
        val best = FloatArray(size + 1)
        val begins = IntArray(size + 1)
        val ids = IntArray(size + 1)
        begins.fill(-1)
        for (start in 0 until size) {
            if (best[start] < LOWEST_SUM) rebase(best, begins, start)
            val before = best[start]
            var single = false
            var node = PieceTrie.ROOT
            var bytes = 0
            for (place in start until size) {
                node = trie.child(node, codes[place])
                if (node < 0) break
                bytes += utf8Size(codes[place])
                val id = trie.value(node)
                if (id < 0 || unused[id]) continue
                val end = place + 1
                // A user-defined piece is preferred to all others, and a longer one to a shorter one; its own score is not used.
                val score = if (userDefined[id]) (USER_DEFINED_BONUS * (bytes - 1)).toFloat() else scores[id]
                val sum = score + before
                if (begins[end] < 0 || sum > best[end]) {
                    best[end] = sum
                    begins[end] = start
                    ids[end] = id
                }
                if (end == start + 1) single = true
            }
            if (single) continue
            val sum = unknownScore + before
            if (begins[start + 1] < 0 || sum > best[start + 1]) {
                best[start + 1] = sum
                begins[start + 1] = start
                ids[start + 1] = unknownId
            }
        }
        var end = size
        while (end > 0) {
            found(ids[end], begins[end], end)
            end = begins[end]
        }
    }

    /** Make the sum at [start] 0, and those behind it as much larger. */
    private fun rebase(best: FloatArray, begins: IntArray, start: Int) {
        val base = best[start]
        for (end in start until best.size) if (begins[end] >= 0) best[end] -= base
    }

    private companion object {
        const val LOWEST_SUM = -100_000f

        /** The score of an unknown character is so much below the lowest score of a piece. */
        const val UNKNOWN_PENALTY = 10f

        /** The score of a user-defined piece for each byte after the first. */
        const val USER_DEFINED_BONUS = 0.1
    }
}
