package albert.example.ui

import albert.example.R
import albert.example.logic.Work
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.imePadding
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp

/** The fields, buttons and results of a request, one below the other; it scrolls. */
@Composable
fun RequestColumn(content: @Composable ColumnScope.() -> Unit) {
    Column(
        Modifier.fillMaxSize().imePadding().verticalScroll(rememberScrollState()).padding(16.dp),
        verticalArrangement = Arrangement.spacedBy(12.dp),
        content = content,
    )
}

/** Starts a request, and cancels the one that runs. */
@Composable
fun RequestButtons(name: String, work: Work<*>, onStart: () -> Unit, onCancel: () -> Unit) {
    Row(horizontalArrangement = Arrangement.spacedBy(12.dp)) {
        Button(onClick = onStart) { Text(name) }
        if (work.isBusy) OutlinedButton(onClick = onCancel) { Text(stringResource(R.string.cancel)) }
    }
}

/** What becomes of a request. A screen reader reads it out when it changes. */
@Composable
fun <T> WorkResult(work: Work<T>, content: @Composable (T) -> Unit) {
    Column(
        Modifier.fillMaxWidth().semantics { liveRegion = LiveRegionMode.Polite },
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        when (work) {
            Work.Idle -> Unit
            Work.Loading -> Waiting(stringResource(R.string.loading))
            Work.Running -> Waiting(stringResource(R.string.running))
            is Work.Failed -> Text(work.message, color = MaterialTheme.colorScheme.error)
            is Work.Done -> content(work.value)
        }
    }
}

@Composable
private fun Waiting(what: String) {
    Text(what)
    LinearProgressIndicator(Modifier.fillMaxWidth())
}
