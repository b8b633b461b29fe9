package albert.runtime

import albert.runtime.tokenization.AlbertTokenizer
import albert.runtime.tokenization.Encoding

// The overlapping windows of a long text. The twin of `windows.py`.

/** Tokens that two neighbouring windows share. */
internal const val STRIDE = 128

/**
 * One window: a sequence, and which of its tokens are tokens of the text.
 *
 * @property begin the positions [begin] until [end] of [encoding] hold tokens of the text
 * @property first the number in the text of the first of them
 */
internal class TextWindow(val encoding: Encoding, val begin: Int, val end: Int, val first: Int) {
    /** The number of tokens of the text in this window. */
    val size: Int get() = end - begin
}

/**
 * The windows `[CLS] tokens [SEP]` of one text, in order.
 *
 * @param tokenizer the tokenizer, which knows the ids of the special tokens
 * @param encoding the tokens of the text, without special tokens
 * @param maxLength the most tokens in a window, special tokens included
 * @param stride the tokens that two neighbouring windows share; at most half of a window
 */
internal fun cutWindows(tokenizer: AlbertTokenizer, encoding: Encoding, maxLength: Int, stride: Int): List<TextWindow> {
    val room = maxLength - 2 // [CLS] and [SEP]
    val shared = minOf(stride, room / 2)
    val starts = if (encoding.size <= room) listOf(0) else (0 until encoding.size - shared step room - shared).toList()
    return starts.map { first ->
        val last = minOf(first + room, encoding.size)
        val sequence = tokenizer.beginningOfSequence() + encoding.part(first, last) + tokenizer.separator()
        TextWindow(sequence, 1, 1 + last - first, first)
    }
}

/**
 * For each window, the positions whose tokens are taken from it, so that every token of the text is taken once. Each
 * overlap is divided in the middle: a token is taken from the window that shows more of the text around it.
 */
internal fun ownPositions(windows: List<TextWindow>): List<IntRange> {
    val cuts = mutableListOf(0)
    windows.zipWithNext { window, following -> cuts += (following.first + window.first + window.size) / 2 }
    cuts += windows.last().first + windows.last().size
    return windows.mapIndexed { number, window ->
        val shift = window.begin - window.first
        shift + cuts[number] until shift + cuts[number + 1]
    }
}
