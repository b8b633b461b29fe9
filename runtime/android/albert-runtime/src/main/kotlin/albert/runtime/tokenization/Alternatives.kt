package albert.runtime.tokenization

/** One of some contents that was found in a text, at [start] until [end]. */
internal class Match(val content: String, val start: Int, val end: Int)

/** Finds contents in a text from left to right; at each place, the first of [contents] that is there is taken. */
internal class Alternatives(contents: Iterable<String>) {
    private class One(val content: String) {
        val codes = codePoints(content)
    }

    private val byFirst = contents.map(::One).filter { it.codes.isNotEmpty() }.groupBy { it.codes[0] }

    /** Every match in [codes], none of which overlaps with another one. */
    fun findAll(codes: IntArray): List<Match> {
        var found: MutableList<Match>? = null
        var place = 0
        while (place < codes.size) {
            val one = byFirst[codes[place]]?.firstOrNull { isAt(it.codes, codes, place) }
            if (one == null) {
                place++
                continue
            }
            val match = Match(one.content, place, place + one.codes.size)
            found = (found ?: ArrayList()).also { it += match }
            place = match.end
        }
        return found ?: emptyList()
    }

    private fun isAt(wanted: IntArray, codes: IntArray, place: Int): Boolean {
        if (wanted.size > codes.size - place) return false
        for (index in wanted.indices) if (wanted[index] != codes[place + index]) return false
        return true
    }
}
