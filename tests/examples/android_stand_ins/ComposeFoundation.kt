// Stand-ins of androidx.compose.foundation.
package androidx.compose.foundation

import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier

class ScrollState

@Composable
fun isSystemInDarkTheme(): Boolean = TODO()

@Composable
fun rememberScrollState(initial: Int = 0): ScrollState = TODO("$initial")

fun Modifier.verticalScroll(state: ScrollState): Modifier = TODO("$state")
