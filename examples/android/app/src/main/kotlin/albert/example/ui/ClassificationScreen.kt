package albert.example.ui

import albert.example.R
import albert.example.logic.ClassificationScreenState
import albert.example.logic.percent
import albert.runtime.Label
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.lifecycle.compose.collectAsStateWithLifecycle

/** A text, and a bar for each label. */
@Composable
fun ClassificationScreen(state: ClassificationScreenState) {
    val text by state.text.collectAsStateWithLifecycle()
    val work by state.work.collectAsStateWithLifecycle()
    RequestColumn {
        OutlinedTextField(
            value = text,
            onValueChange = { state.text.value = it },
            label = { Text(stringResource(R.string.text)) },
            minLines = 3,
            maxLines = 10,
            modifier = Modifier.fillMaxWidth(),
        )
        RequestButtons(stringResource(R.string.classify), work, onStart = state::classify, onCancel = state::cancel)
        WorkResult(work) { labels -> labels.forEach { LabelBar(it) } }
    }
}

/** A screen reader says the label and its score, not "progress bar". */
@Composable
private fun LabelBar(label: Label) {
    val spoken = stringResource(R.string.label_with_score, label.label, percent(label.score))
    Column(Modifier.clearAndSetSemantics { contentDescription = spoken }) {
        Text(spoken)
        LinearProgressIndicator(
            progress = { label.score.toFloat().coerceIn(0f, 1f) },
            modifier = Modifier.fillMaxWidth(),
        )
    }
}
