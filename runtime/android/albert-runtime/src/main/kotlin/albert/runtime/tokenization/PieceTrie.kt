package albert.runtime.tokenization

/** A trie of pieces by their characters, kept in a hash table. It never changes after construction. */
internal class PieceTrie(pieces: Map<String, Int>) {
    private var keys = LongArray(INITIAL_CAPACITY)
    private var children = IntArray(INITIAL_CAPACITY)
    private var used = 0
    private var values = IntArray(INITIAL_CAPACITY) { -1 }
    private var nodes = 1

    init {
        for ((piece, value) in pieces) {
            var node = ROOT
            for (code in codePoints(piece)) node = child(node, code).takeIf { it >= 0 } ?: addChild(node, code)
            values[node] = value
        }
    }

    /** The node behind [node] for the character [code]; -1 if there is none. */
    fun child(node: Int, code: Int): Int {
        val key = keyOf(node, code)
        var slot = slotOf(key)
        while (true) {
            if (keys[slot] == key) return children[slot]
            if (keys[slot] == EMPTY) return -1
            slot = slot + 1 and keys.size - 1
        }
    }

    /** The value of the piece that ends at [node]; -1 if none does. */
    fun value(node: Int): Int = values[node]

    /** The value of the piece with the characters [start] until [end]; -1 if there is none. */
    fun find(codes: IntArray, start: Int, end: Int): Int {
        var node = ROOT
        for (place in start until end) {
            node = child(node, codes[place])
            if (node < 0) return -1
        }
        return values[node]
    }

    /** How many characters the longest piece at [start] has; 0 if there is none. */
    fun longest(codes: IntArray, start: Int): Int {
        var node = ROOT
        var found = 0
        for (place in start until codes.size) {
            node = child(node, codes[place])
            if (node < 0) break
            if (values[node] >= 0) found = place + 1 - start
        }
        return found
    }

    private fun addChild(node: Int, code: Int): Int {
        if (used * 2 >= keys.size) grow()
        if (nodes == values.size) values = values.copyOf(nodes * 2).also { it.fill(-1, nodes, nodes * 2) }
        put(keyOf(node, code), nodes)
        used++
        return nodes++
    }

    private fun put(key: Long, child: Int) {
        var slot = slotOf(key)
        while (keys[slot] != EMPTY) slot = slot + 1 and keys.size - 1
        keys[slot] = key
        children[slot] = child
    }

    private fun grow() {
        val oldKeys = keys
        val oldChildren = children
        keys = LongArray(oldKeys.size * 2)
        children = IntArray(oldKeys.size * 2)
        for (index in oldKeys.indices) if (oldKeys[index] != EMPTY) put(oldKeys[index], oldChildren[index])
    }

    private fun slotOf(key: Long): Int = (key * MULTIPLIER ushr 32).toInt() and keys.size - 1

    companion object {
        /** The node of the empty beginning. */
        const val ROOT = 0

        private const val INITIAL_CAPACITY = 1 shl 10
        private const val EMPTY = 0L
        private const val CODE_BITS = 21

        /** An odd number whose bits look random: 2^64 divided by the golden ratio. */
        private const val MULTIPLIER = -0x61C8864680B583EBL

        /** One more than node and character together, as 0 marks a free place. */
        private fun keyOf(node: Int, code: Int): Long = (node.toLong() shl CODE_BITS or code.toLong()) + 1
    }
}
