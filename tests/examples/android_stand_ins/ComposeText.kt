package androidx.compose.ui.text

import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.font.FontWeight

class AnnotatedString(val text: String) {
    class Builder {
        fun append(text: String): Unit = TODO(text)
        fun pushStyle(style: SpanStyle): Int = TODO("$style")
        fun pop(index: Int): Unit = TODO("$index")
    }
}

class SpanStyle(
    val color: Color = Color.Unspecified,
    val fontWeight: FontWeight? = null,
    val background: Color = Color.Unspecified,
)

inline fun buildAnnotatedString(builder: AnnotatedString.Builder.() -> Unit): AnnotatedString =
    AnnotatedString.Builder().apply(builder).let { TODO("$it") }

inline fun <R : Any> AnnotatedString.Builder.withStyle(style: SpanStyle, block: AnnotatedString.Builder.() -> R): R {
    val index = pushStyle(style)
    return block().also { pop(index) }
}
