package albert.runtime.postprocessing

/** The punctuation that may stand inside an entity: a period, and the dots between the parts of foreign names. */
private const val INNER_PUNCTUATION = ".\u00b7\u30fb"

/**
 * A word that has at least one token, and its label. The twin of `word_labels.LabelledWord`.
 *
 * @property tokens the numbers of its tokens
 * @property score the probability of the label; null for what is in an entity without the model's saying so
 * @property outside the probability of "O"; null if the model has no such label
 */
internal data class LabelledWord(
    val start: Int, val end: Int, val role: Role, val tokens: IntRange, val label: String, val score: Double?, val outside: Double?,
) {
    /** What the label says. */
    val tag: Tag get() = readTag(label)

    /** Whether it may stand inside an entity although the model's label says that it is outside. */
    val isInner: Boolean get() = role == Role.PUNCTUATION || role == Role.POSSESSIVE

    /** The word with the label "O"; unchanged if the model has no such label, because then every word has another. */
    fun asOutside(): LabelledWord = if (outside == null) this else copy(label = OUTSIDE, score = outside)
}

/**
 * The words that have tokens, in order, each with the label of its first token. The twin of `label_words`.
 *
 * Models are trained on the first token of each word, so the labels of the others mean nothing. In a script without
 * spaces each token is a word; if the mark of a space before a token is outside, the token itself decides.
 *
 * Three labels are not the model's:
 *
 * - Punctuation or a possessive inside an entity is part of it: if the word after it continues the entity that stands
 *   before it, the label between them does not matter ("Natl. Airport").
 * - A dash and a possessive that [splitWords] has split off are outside, because the model was not trained on a first token
 *   there.
 * - Punctuation that [splitWords] has split off does not begin an entity.
 *
 * The last two do not hold for words that were given: those have the labels of words that the model was trained on.
 */
internal fun labelWords(tokens: LabelledTokens, labels: List<String>): List<LabelledWord> {
    val words = withTokens(tokens, labels)
    if (tokens.words != null) return bridge(words, tokens.text)
    val split = words.map { if (it.role == Role.DASH || it.role == Role.POSSESSIVE) it.asOutside() else it }
    return dropLeadingPunctuation(bridge(split, tokens.text))
}

/** The words that have tokens, each with the model's label for its first token. */
private fun withTokens(tokens: LabelledTokens, labels: List<String>): List<LabelledWord> {
    val words = wordsOf(tokens)
    val probabilities = softmaxRows(tokens.logits)
    val outside = labels.indexOf(OUTSIDE)
    val labelled = mutableListOf<LabelledWord>()
    for (own in runsOf(owners(tokens, words).toList())) {
        val owner = own.value
        if (owner >= words.size) continue
        val word = words[owner]
        val (start, end) = tokens.span(own.places)
        var first = own.places.first
        if (tokens.labelIds[first] == outside && first < own.places.last && isMarkBeforeUnspaced(tokens, first, word)) first++
        val best = tokens.labelIds[first]
        labelled += LabelledWord(
            if (tokens.words != null) word.start else maxOf(word.start, start),
            if (tokens.words != null) word.end else minOf(word.end, end),
            word.role,
            own.places,
            labels[best],
            probabilities[first][best],
            if (outside < 0) null else probabilities[first][outside],
        )
    }
    return labelled
}

/** Whether a token is nothing but the mark of the space before a word of a script without spaces. */
private fun isMarkBeforeUnspaced(tokens: LabelledTokens, token: Int, word: Word): Boolean =
    tokens.words == null && tokens.offsets.starts[token] == tokens.offsets.ends[token] &&
        isUnspaced(tokens.text.substring(word.start, word.end))

/** The words that were given, or those of the text. */
private fun wordsOf(tokens: LabelledTokens): List<Word> {
    val given = tokens.words
    if (given != null) {
        return given.starts.indices.map {
            Word(given.starts[it], given.ends[it], roleOf(tokens.text.substring(given.starts[it], given.ends[it])))
        }
    }
    val starts = tokens.offsets.starts
    val changes = (1 until starts.size).filter { tokens.wordIds[it] != tokens.wordIds[it - 1] }.map { starts[it] }
    return splitWords(tokens.text, starts, changes.toIntArray())
}

/** The number of the word that each token belongs to; the number of words for a token behind the last word. */
private fun owners(tokens: LabelledTokens, words: List<Word>): IntArray {
    if (tokens.words != null) return IntArray(tokens.tokens.size) { if (tokens.wordIds[it] < 0) words.size else tokens.wordIds[it] }
    // A token that stands for nothing is the mark of the space before a word, and is the first token of that word.
    val ends = IntArray(words.size) { words[it].end }
    return IntArray(tokens.tokens.size) { firstAbove(ends, tokens.offsets.starts[it]) }
}

/** The words, where punctuation and possessives inside an entity have its label. */
private fun bridge(words: List<LabelledWord>, text: String): List<LabelledWord> {
    val runs = runsOf(words.map { it.isInner }).map { run -> words.subList(run.places.first, run.places.last + 1) }
    val bridged = mutableListOf<LabelledWord>()
    var opened: Tag? = null
    runs.forEachIndexed { number, found ->
        var run = found
        val following = runs.getOrNull(number + 1)?.first()
        val entity = opened
        if (entity != null && following != null && run[0].isInner && isInside(entity, bridged.last(), run, following, text)) {
            val inner = if (following.tag.position == 'I') following.label else "I-${entity.kind}"
            run = run.map { if (it.label == inner) it else it.copy(label = inner, score = null) }
        }
        for (word in run) opened = openAfter(opened, word.tag)
        bridged += run
    }
    return bridged
}

/** Whether the punctuation and possessives [run] are inside an entity, which began with [opened]. */
private fun isInside(
    opened: Tag, before: LabelledWord, run: List<LabelledWord>, following: LabelledWord, text: String,
): Boolean {
    if (following.tag.kind != opened.kind || following.tag.begins) return false
    val foreign = run.any { word ->
        word.role == Role.PUNCTUATION && text.substring(word.start, word.end).any { it !in INNER_PUNCTUATION }
    }
    if (foreign) return false
    // Without a B- this is not sure: names with equal labels may stand on both sides of a period. Then the word before the
    // period must be an abbreviation or an initial.
    val core = text.substring(before.start, before.end)
    val isInitial = core.codePointCount(0, core.length) == 1
    val short = text.substring(run.first().start, run.last().end) == "." && (isInitial || isAbbreviation(core))
    return opened.position == 'B' || short
}

/** The words, where punctuation that would begin an entity is outside. */
private fun dropLeadingPunctuation(words: List<LabelledWord>): List<LabelledWord> {
    var opened: Tag? = null
    return words.map { word ->
        val continues = opened.let { it != null && word.tag.kind == it.kind && !word.tag.begins }
        val kept = if (word.role == Role.PUNCTUATION && !continues) word.asOutside() else word
        opened = openAfter(opened, kept.tag)
        kept
    }
}

/** The first tag of the entity that is open after [tag], where the one that began with [opened] was open before. */
private fun openAfter(opened: Tag?, tag: Tag): Tag? = when {
    tag.ends || tag.kind == OUTSIDE -> null
    opened != null && tag.kind == opened.kind && !tag.begins -> opened
    else -> tag
}

/** Neighbours with equal values. */
private class Run<T>(val value: T, val places: IntRange)

private fun <T> runsOf(values: List<T>): List<Run<T>> {
    val runs = mutableListOf<Run<T>>()
    values.forEachIndexed { place, value ->
        val last = runs.lastOrNull()
        if (last != null && last.value == value) runs[runs.size - 1] = Run(value, last.places.first..place) else runs += Run(value, place..place)
    }
    return runs
}
