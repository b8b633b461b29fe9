package albert.runtime.tokenization

/** Finds tokens in a text as the trie of Hugging Face's slow tokenizers does. It never changes after construction. */
internal class TokenTrie(tokens: Iterable<String>) {
    private class Node {
        val next = HashMap<Int, Node>()
        var isEnd = false
    }

    private val root = Node()

    init {
        for (token in tokens) {
            var node = root
            for (code in codePoints(token)) node = node.next.getOrPut(code) { Node() }
            node.isEnd = true
        }
    }

    /** Whether a token of the trie may begin within one of [tokens], so that both lay claim to the same text. */
    fun overlaps(tokens: Iterable<String>): Boolean = tokens.any { token ->
        val codes = codePoints(token)
        (1 until codes.size).any { beginsIn(codes, it) }
    }

    private fun beginsIn(codes: IntArray, start: Int): Boolean {
        var node = root
        for (place in start until codes.size) {
            node = node.next[codes[place]] ?: return false
            if (node.isEnd) return true
        }
        return true
    }

    /**
     * The positions at which a text is cut, in order: before and after each token that is found.
     *
     * The text is read once from left to right. The token that ends first is found, unless a longer one begins at the same
     * place or before it. This is `Trie.split` of transformers 4.57 (tokenization_utils.py), with what it does if tokens
     * overlap: the node of an earlier candidate is followed from the character behind the current one, even if the current
     * one has just ruled the candidate out. The text between two cuts need not be a token, therefore.
     */
    fun cuts(text: IntArray): List<Int> {
        var candidates = LinkedHashMap<Int, Node>() // the start of each token that may be under way -> its node
        val cuts = ArrayList<Int>()
        var resume = 0
        for ((position, code) in text.withIndex()) {
            if (position < resume) continue
            var found = -1
            var following = LinkedHashMap<Int, Node>()
            for ((start, node) in candidates) {
                if (node.isEnd) {
                    found = start
                    break
                }
                node.next[code]?.let { following[start] = it }
            }
            if (found >= 0) {
                val taken = longest(text, position, found, LinkedHashMap(candidates).also { it.putAll(following) }, resume)
                cuts += taken.start
                cuts += taken.end
                resume = taken.resume
                following = LinkedHashMap()
            }
            if (position >= resume) root.next[code]?.let { following[position] = it }
            candidates = following
        }
        candidates.entries.firstOrNull { it.value.isEnd }?.let { cuts += listOf(it.key, text.size) }
        return cuts
    }

    private class Taken(val start: Int, val end: Int, val resume: Int)

    /**
     * The token to take, and where to read on: the longest token of the earliest candidate.
     *
     * @param found the start of the token that ends before [position]
     * @param candidates start -> node; the nodes of the candidates before [found] include the character at [position]
     * @param resumed where to read on if nothing else is found
     */
    private fun longest(text: IntArray, position: Int, found: Int, candidates: Map<Int, Node>, resumed: Int): Taken {
        var start = found
        var end = position
        var resume = resumed
        for ((candidate, first) in candidates) {
            if (candidate > start) break
            // `start` may have moved to an earlier candidate, which does not matter: later ones end the loop.
            var node = first
            var ahead = if (candidate < start) position + 1 else position
            end = ahead
            fun take() {
                start = candidate
                end = ahead
                resume = ahead
            }
            if (node.isEnd) take()
            while (ahead < text.size) {
                node = node.next[text[ahead]] ?: break
                ahead++
                if (node.isEnd) take()
            }
        }
        return Taken(start, end, resume)
    }
}
