package albert.runtime.tokenization

/** So many tokens, or fewer, are looked for one by one; more of them by the trie. */
private const val FEW_TOKENS = 64

/**
 * The special tokens and the tokens that were added to a vocabulary, found as Hugging Face's slow tokenizer does. It never
 * changes after construction, so threads may share it. The twin of `added_vocabulary.py`.
 *
 * @property tokens the tokens
 * @param special the contents of those that have a role, or are additional special tokens
 */
internal class AddedVocabulary(val tokens: List<AddedToken>, special: List<String>) {
    /** The contents of the tokens that have a role, or are additional special tokens. */
    val special: Set<String> = special.toSet()
    private val byContent = tokens.associateBy { it.content }

    // The order is that of Hugging Face, where the first alternative that matches is taken.
    private val keepsCase =
        Alternatives(special + tokens.filter { !it.special && it.normalized }.map { it.content })
    private val trie =
        TokenTrie(byContent.keys).takeIf { byContent.size > FEW_TOKENS || it.overlaps(byContent.keys) }
    private val any = Alternatives(byContent.keys.sortedByDescending { codePoints(it).size })
    private val longest = byContent.keys.maxOfOrNull { codePoints(it).size } ?: 0

    operator fun contains(content: String): Boolean = content in byContent

    /** The token that [text] is; null if it is none. */
    fun tokenOf(text: AlignedText): AddedToken? = if (text.size > longest) null else byContent[text.text]

    /**
     * The tokens in [text] and the parts between them, in order; no part is empty. White space beside a token is dropped as
     * its flags say. If [doLowerCase] is set, the parts are in lower case.
     */
    fun split(text: String, doLowerCase: Boolean): List<AlignedText> {
        val aligned = AlignedText.of(text).let { if (doLowerCase) lower(it) else it }
        val parts = cut(aligned)
        // A part that loses white space may become equal to a token, or a token may cease to be one, before the loop comes to
        // it. So does it in Hugging Face's tokenizer.
        for (index in parts.indices) {
            val token = tokenOf(parts[index]) ?: continue
            if (token.rstrip && index + 1 < parts.size) parts[index + 1] = parts[index + 1].stripStart()
            if (token.lstrip && index > 0) parts[index - 1] = parts[index - 1].stripEnd()
        }
        return parts.filter { it.size > 0 }
    }

    /**
     * [text] in lower case, except for the tokens that keep their case. Hugging Face lower-cases each character by itself
     * before it looks for tokens. Therefore "<PAD>" is one, and a capital sigma never becomes a final sigma.
     */
    private fun lower(text: AlignedText): AlignedText {
        val parts = ArrayList<AlignedText>()
        var end = 0
        for (match in keepsCase.findAll(text.codes)) {
            parts += text.part(end, match.start).mapCharacters(::lowerCase)
            parts += text.part(match.start, match.end)
            end = match.end
        }
        val rest = text.part(end, text.size).mapCharacters(::lowerCase)
        return if (parts.isEmpty()) rest else AlignedText.joined(parts + rest)
    }

    private fun cut(text: AlignedText): MutableList<AlignedText> {
        val parts = ArrayList<AlignedText>()
        var start = 0
        fun cutAt(end: Int) {
            if (end <= start) return
            parts += text.part(start, end)
            start = end
        }
        if (trie != null) trie.cuts(text.codes).forEach(::cutAt)
        else for (match in any.findAll(text.codes)) {
            cutAt(match.start)
            cutAt(match.end)
        }
        cutAt(text.size)
        return parts
    }
}
