package albert.runtime.tokenization

import java.text.Normalizer

/**
 * A text during normalization, with the span of the original text that each character came from.
 *
 * Normalization drops characters, turns one into several and several into one. Every step returns a new text, so that each
 * token can be traced back to what the user typed. The twin of `aligned_text.py`: characters are code points; spans count
 * UTF-16 units of the original text. They never decrease; those of neighbours may overlap (the two letters of a ligature)
 * and may leave gaps (dropped white space).
 *
 * @property codes the characters
 * @property starts where each of them begins in the original text
 * @property ends where it ends
 */
internal class AlignedText(val codes: IntArray, val starts: IntArray, val ends: IntArray) {
    /** The characters as a string. */
    val text: String by lazy(LazyThreadSafetyMode.NONE) { textOf(codes) }

    /** The number of characters. */
    val size: Int get() = codes.size

    /** The characters [start] until [stop]. */
    fun part(start: Int, stop: Int): AlignedText =
        if (start == 0 && stop == size) this
        else AlignedText(codes.copyOfRange(start, stop), starts.copyOfRange(start, stop), ends.copyOfRange(start, stop))

    /** The text without the white space at its beginning. */
    fun stripStart(): AlignedText {
        var start = 0
        while (start < size && isSpace(codes[start])) start++
        return part(start, size)
    }

    /** The text without the white space at its end. */
    fun stripEnd(): AlignedText {
        var stop = size
        while (stop > 0 && isSpace(codes[stop - 1])) stop--
        return part(0, stop)
    }

    /** The text with one space in place of every run of white space, and without white space at either end. */
    fun squeezeSpaces(): AlignedText {
        val found = Builder(size)
        var followsSpace = true
        for (place in codes.indices) {
            val space = isSpace(codes[place])
            if (!(space && followsSpace)) found.add(if (space) ' '.code else codes[place], starts[place], ends[place])
            followsSpace = space
        }
        return found.build(if (found.size > 0 && followsSpace) found.size - 1 else found.size)
    }

    /** The text with [merged] in place of each two [character]s that follow each other. */
    fun mergePairs(character: Int, merged: Int): AlignedText {
        if ((1 until size).none { codes[it] == character && codes[it - 1] == character }) return this
        val found = Builder(size)
        var place = 0
        while (place < size) {
            val pair = codes[place] == character && place + 1 < size && codes[place + 1] == character
            found.add(if (pair) merged else codes[place], starts[place], ends[if (pair) place + 1 else place])
            place += if (pair) 2 else 1
        }
        return found.build()
    }

    /**
     * The text with every character replaced by what [change] gives: null for itself, or any number of characters.
     *
     * The span of a character that is dropped is added to the character before it: the accent of "e" + U+0301 belongs to
     * the span of the "e", so that the span of a word includes its accents.
     */
    inline fun mapCharacters(change: (Int) -> IntArray?): AlignedText {
        var found: Builder? = null
        for (place in codes.indices) {
            val changed = change(codes[place])
            if (changed != null && found == null) found = Builder(size + GROWTH).also { it.copy(this, 0, place) }
            if (found == null) continue
            if (changed == null) found.add(codes[place], starts[place], ends[place])
            else if (changed.isEmpty()) found.extend(ends[place])
            else for (code in changed) found.add(code, starts[place], ends[place])
        }
        return found?.build() ?: this
    }

    /** The text in lower case, as Python's `str.lower` gives it; the form of a sigma depends on the letters around it. */
    fun lower(): AlignedText {
        val sigmas = codes.indices.filter { isCapitalSigma(codes[it]) }.map { lowerSigma(codes, it) }.iterator()
        return mapCharacters { if (isCapitalSigma(it)) intArrayOf(sigmas.next()) else lowerCase(it) }
    }

    /** The text with [content] in place of each match of [pattern], whose span all its characters have. */
    fun replaced(pattern: Regex, content: IntArray): AlignedText {
        val found = Builder(size)
        var end = 0
        var unit = 0
        var place = 0
        fun placeOf(wanted: Int): Int {
            while (unit < wanted) unit += Character.charCount(codes[place++])
            return place
        }
        for (match in pattern.findAll(text)) {
            val start = placeOf(match.range.first)
            val stop = placeOf(match.range.last + 1)
            if (start == stop) continue
            found.copy(this, end, start)
            for (code in content) found.add(code, starts[start], ends[stop - 1])
            end = stop
        }
        if (end == 0) return this
        found.copy(this, end, size)
        return found.build()
    }

    /** The text, which is not empty, behind the character [prefix], which stands for nothing. */
    fun prefixed(prefix: Int): AlignedText =
        AlignedText(intArrayOf(prefix) + codes, intArrayOf(starts[0]) + starts, intArrayOf(starts[0]) + ends)

    /** The text in one of Unicode's normalization forms. */
    fun normalized(form: Normalizer.Form): AlignedText = when (form) {
        Normalizer.Form.NFC -> compose()
        Normalizer.Form.NFKC -> normalized(Normalizer.Form.NFKD).compose()
        else -> decompose(form)
    }

    private fun decompose(form: Normalizer.Form): AlignedText {
        val mapped = mapCharacters { code -> if (code < 0x80) null else normalized(code, form) }
        val whole = codePoints(Normalizer.normalize(text, form))
        if (mapped.codes.contentEquals(whole)) return mapped
        // The marks behind a character are in another order now. They have one span together.
        val begins = mapped.starts.copyOf()
        val stops = mapped.ends.copyOf()
        var place = 0
        while (place < whole.size) {
            var stop = place
            while (stop < whole.size && isCombining(whole[stop])) stop++
            if (stop == place) {
                place++
                continue
            }
            begins.fill(begins[place], place, stop)
            stops.fill(stops[stop - 1], place, stop)
            place = stop
        }
        return AlignedText(whole, begins, stops)
    }

    /**
     * The text in Unicode's normalization form C. All characters that one sequence becomes, such as a letter with its
     * accents or the jamo of a syllable, have the span of the whole sequence.
     */
    fun compose(): AlignedText {
        if (Normalizer.isNormalized(text, Normalizer.Form.NFC)) return this
        val found = Builder(size)
        var start = 0
        while (start < size) {
            val stop = sequenceEnd(start)
            val composed = codePoints(composed(start, stop))
            if (composed.contentEquals(codes.copyOfRange(start, stop))) found.copy(this, start, stop)
            else for (code in composed) found.add(code, starts[start], ends[stop - 1])
            start = stop
        }
        return found.build()
    }

    /** The end of the sequence at [start], which normalization changes independently of the others. */
    private fun sequenceEnd(start: Int): Int {
        for (place in start + 1 until size) {
            if (isCombining(normalized(codes[place], Normalizer.Form.NFD)[0])) continue
            // A vowel jamo, or one of the vowel signs of India, is no combining character, and is composed like one.
            if (composed(start, place + 1) == composed(start, place) + composed(place, place + 1)) return place
        }
        return size
    }

    private fun composed(start: Int, stop: Int): String =
        Normalizer.normalize(textOf(codes, start, stop), Normalizer.Form.NFC)

    /** The characters of a text under construction, and their spans. */
    class Builder(capacity: Int) {
        private var codes = IntArray(capacity)
        private var starts = IntArray(capacity)
        private var ends = IntArray(capacity)

        /** The number of characters so far. */
        var size = 0
            private set

        /** Append one character. */
        fun add(code: Int, start: Int, end: Int) {
            if (size == codes.size) {
                val capacity = size * 2 + GROWTH
                codes = codes.copyOf(capacity)
                starts = starts.copyOf(capacity)
                ends = ends.copyOf(capacity)
            }
            codes[size] = code
            starts[size] = start
            ends[size++] = end
        }

        /** Append the characters [first] until [last] of [text]. */
        fun copy(text: AlignedText, first: Int, last: Int) {
            for (place in first until last) add(text.codes[place], text.starts[place], text.ends[place])
        }

        /** The last character, if any, ends at [end] or behind it. */
        fun extend(end: Int) {
            if (size > 0 && ends[size - 1] < end) ends[size - 1] = end
        }

        /** The first [count] characters. */
        fun build(count: Int = size): AlignedText =
            AlignedText(codes.copyOf(count), starts.copyOf(count), ends.copyOf(count))
    }

    companion object {
        const val GROWTH = 16

        /** [text] before any normalization, aligned with itself; lone surrogates, which UTF-8 can't encode, are U+FFFD. */
        fun of(text: String): AlignedText {
            val found = Builder(text.length)
            var place = 0
            while (place < text.length) {
                val code = text.codePointAt(place)
                val end = place + Character.charCount(code)
                found.add(if (code in 0xD800..0xDFFF) REPLACEMENT else code, place, end)
                place = end
            }
            return found.build()
        }

        /** One text of several parts of the same original text, in their order. */
        fun joined(parts: List<AlignedText>): AlignedText {
            val found = Builder(parts.sumOf { it.size })
            for (part in parts) found.copy(part, 0, part.size)
            return found.build()
        }
    }
}
