package albert.runtime.tokenization

import java.util.PriorityQueue

/**
 * Splits a normalized text into pieces by merging neighbours (byte pair encoding), as `bpe::Model::SampleEncode` of
 * google/sentencepiece (src/bpe_model.cc) does without its random part: the pair with the highest score is merged first, of
 * equal ones the leftmost; user-defined pieces are merged with nothing; pieces that are not used are taken apart again.
 *
 * @param pieces the pieces that may be merged, and their ids
 * @param reserved the pieces that no text is split into, such as control pieces; they take precedence over [pieces]
 * @param userDefined the user-defined ones of [pieces]; null if there are none
 * @param unused whether each id is a piece that is merged, but not used
 */
internal class BpeEncoder(
    pieces: Map<String, Int>,
    reserved: Map<String, Int>,
    private val userDefined: PieceTrie?,
    private val scores: FloatArray,
    private val unused: BooleanArray,
    private val unknownId: Int,
) : PieceEncoder {
    private val trie = PieceTrie(pieces)
    private val reservedTrie = PieceTrie(reserved)

    override fun encode(codes: IntArray, found: (id: Int, start: Int, end: Int) -> Unit) = Merges(codes).run(found)

    /** Two neighbours that make a piece together; [size] is the number of their characters. */
    private class Pair(val left: Int, val right: Int, val size: Int, val score: Float) : Comparable<Pair> {
        override fun compareTo(other: Pair): Int {
            val order = other.score.compareTo(score)
            return if (order != 0) order else left.compareTo(other.left)
        }
    }

    /** The symbols of one text, and the pairs of them that can be merged. */
    private inner class Merges(private val codes: IntArray) {
        /** Where each symbol begins, how many characters it has (0 if it was merged with the one before), and its neighbours. */
        private val starts = IntArray(codes.size)
        private val sizes = IntArray(codes.size)
        private val previous = IntArray(codes.size)
        private val nexts = IntArray(codes.size)
        private val frozen = BooleanArray(codes.size)
        private var count = 0
        private val pairs = PriorityQueue<Pair>()

        /** The id of each unused piece -> the number of characters of the left one of the two symbols that it was made of. */
        private val halves = HashMap<Int, Int>()

        fun run(found: (id: Int, start: Int, end: Int) -> Unit) {
            split()
            for (symbol in 1 until count) consider(symbol - 1, symbol)
            while (true) merge(pairs.poll() ?: break)
            for (symbol in count - 1 downTo 0) {
                if (sizes[symbol] > 0) take(starts[symbol], starts[symbol] + sizes[symbol], found)
            }
        }

        /** The symbols at the beginning: single characters and user-defined pieces. */
        private fun split() {
            var start = 0
            while (start < codes.size) {
                val given = userDefined?.longest(codes, start) ?: 0
                starts[count] = start
                sizes[count] = maxOf(given, 1)
                previous[count] = count - 1
                nexts[count] = count + 1
                frozen[count] = given > 0
                start += sizes[count++]
            }
            if (count > 0) nexts[count - 1] = -1
        }

        private fun merge(pair: Pair) {
            val (left, right) = pair.left to pair.right
            // One of the two may have been merged with another symbol since.
            if (sizes[left] == 0 || sizes[right] == 0 || sizes[left] + sizes[right] != pair.size) return
            sizes[left] = pair.size
            sizes[right] = 0
            nexts[left] = nexts[right]
            if (nexts[left] >= 0) previous[nexts[left]] = left
            consider(previous[left], left)
            consider(left, nexts[left])
        }

        /** Add the pair of two neighbours if they make a piece together. */
        private fun consider(left: Int, right: Int) {
            if (left < 0 || right < 0 || frozen[left] || frozen[right]) return
            val size = sizes[left] + sizes[right]
            val id = trie.find(codes, starts[left], starts[left] + size)
            if (id < 0) return
            pairs += Pair(left, right, size, scores[id])
            if (unused[id]) halves[id] = sizes[left]
        }

        /** Give the piece of the characters [start] until [end], or, from the last to the first, those of its two halves. */
        private fun take(start: Int, end: Int, found: (id: Int, start: Int, end: Int) -> Unit) {
            val id = reservedTrie.find(codes, start, end).takeIf { it >= 0 } ?: trie.find(codes, start, end)
            val half = if (id >= 0 && unused[id]) halves[id] else null
            if (half == null) {
                found(if (id < 0) unknownId else id, start, end)
            } else {
                take(start + half, end, found)
                take(start, start + half, found)
            }
        }
    }
}
