package albert.example.ui

import albert.example.R
import albert.example.logic.ClassificationScreenState
import albert.example.logic.QuestionScreenState
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.PrimaryTabRow
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Tab
import androidx.compose.material3.Text
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableIntStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource

private val TABS = listOf(R.string.question_tab, R.string.classification_tab)

/** Both screens, behind tabs. */
@Composable
fun ExampleApp(question: QuestionScreenState, classification: ClassificationScreenState) {
    var tab by rememberSaveable { mutableIntStateOf(0) }
    MaterialTheme(colorScheme = if (isSystemInDarkTheme()) darkColorScheme() else lightColorScheme()) {
        Scaffold(Modifier.fillMaxSize()) { margins ->
            Column(Modifier.padding(margins)) {
                PrimaryTabRow(selectedTabIndex = tab) {
                    TABS.forEachIndexed { index, name ->
                        Tab(selected = tab == index, onClick = { tab = index }, text = { Text(stringResource(name)) })
                    }
                }
                if (tab == 0) QuestionScreen(question) else ClassificationScreen(classification)
            }
        }
    }
}
