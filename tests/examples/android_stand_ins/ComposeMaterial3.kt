// Stand-ins of androidx.compose.material3.
package androidx.compose.material3

import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.RowScope
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.AnnotatedString

class ColorScheme {
    val error: Color get() = TODO()
    val primaryContainer: Color get() = TODO()
    val onPrimaryContainer: Color get() = TODO()
}

fun lightColorScheme(): ColorScheme = TODO()

fun darkColorScheme(): ColorScheme = TODO()

object MaterialTheme {
    val colorScheme: ColorScheme @Composable get() = TODO()
}

@Composable
fun MaterialTheme(colorScheme: ColorScheme = MaterialTheme.colorScheme, content: @Composable () -> Unit): Unit =
    TODO("$colorScheme $content")

@Composable
fun Scaffold(modifier: Modifier = Modifier, content: @Composable (PaddingValues) -> Unit): Unit = TODO("$modifier $content")

@Composable
fun PrimaryTabRow(selectedTabIndex: Int, modifier: Modifier = Modifier, tabs: @Composable () -> Unit): Unit =
    TODO("$selectedTabIndex $modifier $tabs")

@Composable
fun Tab(
    selected: Boolean,
    onClick: () -> Unit,
    modifier: Modifier = Modifier,
    enabled: Boolean = true,
    text: @Composable (() -> Unit)? = null,
): Unit = TODO("$selected $onClick $modifier $enabled $text")

@Composable
fun Text(text: String, modifier: Modifier = Modifier, color: Color = Color.Unspecified): Unit = TODO("$text $modifier $color")

@Composable
fun Text(text: AnnotatedString, modifier: Modifier = Modifier, color: Color = Color.Unspecified): Unit =
    TODO("$text $modifier $color")

@Composable
fun Button(onClick: () -> Unit, modifier: Modifier = Modifier, content: @Composable RowScope.() -> Unit): Unit =
    TODO("$onClick $modifier $content")

@Composable
fun OutlinedButton(onClick: () -> Unit, modifier: Modifier = Modifier, content: @Composable RowScope.() -> Unit): Unit =
    TODO("$onClick $modifier $content")

@Composable
fun OutlinedTextField(
    value: String,
    onValueChange: (String) -> Unit,
    modifier: Modifier = Modifier,
    label: @Composable (() -> Unit)? = null,
    singleLine: Boolean = false,
    maxLines: Int = if (singleLine) 1 else Int.MAX_VALUE,
    minLines: Int = 1,
): Unit = TODO("$value $onValueChange $modifier $label $maxLines $minLines")

@Composable
fun LinearProgressIndicator(modifier: Modifier = Modifier): Unit = TODO("$modifier")

@Composable
fun LinearProgressIndicator(progress: () -> Float, modifier: Modifier = Modifier): Unit = TODO("$progress $modifier")
