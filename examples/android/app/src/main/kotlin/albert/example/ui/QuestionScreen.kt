package albert.example.ui

import albert.example.R
import albert.example.logic.HighlightedText
import albert.example.logic.QuestionScreenState
import albert.example.logic.percent
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.text.SpanStyle
import androidx.compose.ui.text.buildAnnotatedString
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.withStyle
import androidx.lifecycle.compose.collectAsStateWithLifecycle

/** A question about a text that the user pastes; the answer is highlighted in it. */
@Composable
fun QuestionScreen(state: QuestionScreenState) {
    val question by state.question.collectAsStateWithLifecycle()
    val context by state.context.collectAsStateWithLifecycle()
    val work by state.work.collectAsStateWithLifecycle()
    RequestColumn {
        OutlinedTextField(
            value = question,
            onValueChange = { state.question.value = it },
            label = { Text(stringResource(R.string.question)) },
            singleLine = true,
            modifier = Modifier.fillMaxWidth(),
        )
        OutlinedTextField(
            value = context,
            onValueChange = { state.context.value = it },
            label = { Text(stringResource(R.string.context)) },
            minLines = 4,
            maxLines = 10,
            modifier = Modifier.fillMaxWidth(),
        )
        RequestButtons(stringResource(R.string.ask), work, onStart = state::ask, onCancel = state::cancel)
        WorkResult(work) { AnswerText(it) }
    }
}

@Composable
private fun AnswerText(found: HighlightedText) {
    if (!found.isFound) {
        Text(stringResource(R.string.no_answer))
        return
    }
    Text(stringResource(R.string.answer_with_score, found.answer, percent(found.score)))
    val colors = MaterialTheme.colorScheme
    // Bold as well as coloured: not everybody sees the colour.
    val style = SpanStyle(
        color = colors.onPrimaryContainer, background = colors.primaryContainer, fontWeight = FontWeight.Bold,
    )
    Text(
        buildAnnotatedString {
            append(found.before)
            withStyle(style) { append(found.answer) }
            append(found.after)
        },
    )
}
