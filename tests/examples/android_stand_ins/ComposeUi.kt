// Stand-ins of androidx.compose.ui.
package androidx.compose.ui

interface Modifier {
    companion object : Modifier
}
