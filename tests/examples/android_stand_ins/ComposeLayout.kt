package androidx.compose.foundation.layout

import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.Dp

interface ColumnScope

interface RowScope

interface PaddingValues

object Arrangement {
    interface Horizontal

    interface Vertical

    interface HorizontalOrVertical : Horizontal, Vertical

    val Top: Vertical get() = TODO()
    val Start: Horizontal get() = TODO()

    fun spacedBy(space: Dp): HorizontalOrVertical = TODO("$space")
}

@Composable
fun Column(
    modifier: Modifier = Modifier,
    verticalArrangement: Arrangement.Vertical = Arrangement.Top,
    content: @Composable ColumnScope.() -> Unit,
): Unit = TODO("$modifier $verticalArrangement $content")

@Composable
fun Row(
    modifier: Modifier = Modifier,
    horizontalArrangement: Arrangement.Horizontal = Arrangement.Start,
    content: @Composable RowScope.() -> Unit,
): Unit = TODO("$modifier $horizontalArrangement $content")

fun Modifier.fillMaxSize(fraction: Float = 1f): Modifier = TODO("$fraction")

fun Modifier.fillMaxWidth(fraction: Float = 1f): Modifier = TODO("$fraction")

fun Modifier.imePadding(): Modifier = TODO()

fun Modifier.padding(all: Dp): Modifier = TODO("$all")

fun Modifier.padding(paddingValues: PaddingValues): Modifier = TODO("$paddingValues")
