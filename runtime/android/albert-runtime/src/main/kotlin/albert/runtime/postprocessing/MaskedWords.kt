package albert.runtime.postprocessing

import albert.runtime.Filled
import albert.runtime.PythonText
import albert.runtime.engines.Tensor
import albert.runtime.tokenization.AlbertTokenizer
import albert.runtime.tokenization.Encoding

// The best pieces for each mask of a text. The twin of `masked_words.py`.

/**
 * The [topK] best pieces for each mask, best first; the masks are in the order of the text.
 *
 * @param logits `[sequence, vocabulary]`, or `[masks, vocabulary]` if [masksOnly]
 * @param texts the text that was encoded; and the second text, if it was a pair
 * @param targets the ids of the pieces that are compared; null for the whole vocabulary. A score stays the probability
 *   among all pieces.
 * @param masksOnly whether [logits] has a row for each mask, in the order of the text, and none for other tokens
 */
internal fun fillMasks(
    logits: Tensor, encoding: Encoding, texts: List<String>, tokenizer: AlbertTokenizer, topK: Int, targets: IntArray? = null,
    masksOnly: Boolean = false,
): List<List<Filled>> {
    val masks = encoding.ids.indices.filter { encoding.ids[it] == tokenizer.maskTokenId }
    return masks.withIndex().filter { (_, place) -> encoding.sequenceIds[place] >= 0 }.map { (index, place) ->
        val scores = softmax(logits.row(if (masksOnly) index else place))
        // The output may be wider than the vocabulary: some models pad it to a round number.
        val compared = targets ?: tokenizer.vocabulary.allIds.filter { it < scores.size }.toIntArray()
        best(scores, compared, topK).map { id ->
            val piece = tokenizer.convertIdsToTokens(intArrayOf(id)).single()
            Filled(
                tokenizer.spelling(piece).ifEmpty { piece }, id, scores[id],
                fill(texts[encoding.sequenceIds[place]], encoding.starts[place], encoding.ends[place], piece, tokenizer),
            )
        }
    }
}

/**
 * Each target -> the piece that is scored for it; null if the tokenizer finds nothing in the target.
 *
 * As in Hugging Face's fill-mask pipeline, a target that is written like a piece ("▁capital", or "s") is that piece. Any
 * other target is tokenized, and its first piece stands for it.
 */
internal fun targetPieces(targets: List<String>, tokenizer: AlbertTokenizer): Map<String, String?> =
    targets.associateWith { target ->
        val id = tokenizer.convertTokensToIds(listOf(target)).single()
        if (tokenizer.convertIdsToTokens(intArrayOf(id)).single() == target) target else tokenizer.tokenize(target).firstOrNull()
    }

/** The [count] of the ids [compared] with the best scores, best first; equal ones stay in their order. */
private fun best(scores: DoubleArray, compared: IntArray, count: Int): List<Int> {
    if (count >= compared.size / 8) return compared.sortedByDescending { scores[it] }.take(count)
    // Of 30,000 pieces usually five are wanted, so the best so far are kept in order, and the others are not sorted.
    val found = ArrayList<Int>(count + 1)
    for (id in compared) {
        if (found.size == count && scores[id] <= scores[found.last()]) continue
        var place = found.size
        while (place > 0 && scores[found[place - 1]] < scores[id]) place--
        found.add(place, id)
        if (found.size > count) found.removeAt(count)
    }
    return found
}

/**
 * [text] with [piece] in place of the mask at the units [start] to [end].
 *
 * The piece decides whether there is a space on its left, since it says whether a word begins with it. An added token is a
 * word of its own. Where there is no space before the mask, one is added if the vocabulary marks spaces; words of
 * WordPiece, such as Chinese characters, may stand side by side.
 */
private fun fill(text: String, start: Int, end: Int, piece: String, tokenizer: AlbertTokenizer): String {
    val left = PythonText.stripEnd(text.substring(0, start))
    var space = ""
    if (tokenizer.startsWord(piece)) {
        space = text.substring(left.length, start).ifEmpty { if (left.isNotEmpty() && !tokenizer.isWordPiece) " " else "" }
    }
    return left + space + tokenizer.spelling(piece) + text.substring(end)
}
