package albert.example.logic

import albert.runtime.AlbertQuestionAnswerer
import albert.runtime.AlbertTextClassifier
import albert.runtime.BundleError
import albert.runtime.SessionLoader
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

/** The screens with the real library. ALBERT_EXAMPLE_BUNDLES names a folder with the demo bundles `qa` and `cls`. */
class ScreensTest {
    // One thread stands for Android's main thread.
    private val main = Executors.newSingleThreadExecutor().asCoroutineDispatcher()
    private val scope = CoroutineScope(main)

    @After
    fun end() {
        scope.cancel()
        main.close()
    }

    private fun bundle(name: String): File {
        val folder = System.getenv("ALBERT_EXAMPLE_BUNDLES")
        assumeTrue("set ALBERT_EXAMPLE_BUNDLES to a folder with the demo bundles qa and cls", folder != null)
        return File(folder, name)
    }

    private fun <S : albert.runtime.AlbertSession> shared(loader: SessionLoader<S>, file: File): SharedSession<S> =
        SharedSession(Dispatchers.Default) { loader.load(file) }

    private fun <T> ended(work: StateFlow<Work<T>>): Work<T> = runBlocking { withTimeout(60_000) { work.first { !it.isBusy } } }

    private fun onMain(action: () -> Unit) = runBlocking { withContext(main) { action() } }

    @Test
    fun aQuestionIsAnsweredAndTheAnswerIsHighlighted() {
        val screen = QuestionScreenState(scope, shared(AlbertQuestionAnswerer, bundle("qa")))
        onMain { screen.ask() }
        val found = (ended(screen.work) as Work.Done).value
        assertEquals("Porto.", found.answer)
        assertEquals("Clara lives in Lisbon. Clara works in ", found.before)
        assertEquals("", found.after)
        runBlocking { screen.close() }
        onMain { screen.ask() } // loads the model again
        assertEquals("Porto.", (ended(screen.work) as Work.Done).value.answer)
        runBlocking { screen.close() }
    }

    @Test
    fun aTextIsClassified() {
        val screen = ClassificationScreenState(scope, shared(AlbertTextClassifier, bundle("cls")))
        onMain { screen.classify() }
        val labels = (ended(screen.work) as Work.Done).value
        assertEquals("positive", labels.first().label)
        assertEquals(1.0, labels.sumOf { it.score }, 1e-5)
        runBlocking { screen.close() }
    }

    @Test
    fun aUsersMistakeIsShown() {
        val screen = QuestionScreenState(scope, shared(AlbertQuestionAnswerer, bundle("qa")))
        screen.question.value = " "
        onMain { screen.ask() }
        val message = (ended(screen.work) as Work.Failed).message
        assertTrue(message, "question" in message)
        runBlocking { screen.close() }
    }

    @Test
    fun aMissingBundleIsShownAndTriedAgain() {
        var calls = 0
        val session = SharedSession<AlbertQuestionAnswerer>(Dispatchers.Default) {
            calls++
            throw BundleError("there is no bundle")
        }
        val screen = QuestionScreenState(scope, session)
        repeat(2) {
            onMain { screen.ask() }
            assertEquals(Work.Failed("there is no bundle"), ended(screen.work))
        }
        assertEquals(2, calls)
    }

    @Test
    fun aCancelledRequestIsInterruptedAndShowsNothing() {
        val started = CountDownLatch(1)
        val interrupted = CountDownLatch(1)
        val session = SharedSession<AlbertQuestionAnswerer>(Dispatchers.Default) {
            started.countDown()
            try {
                Thread.sleep(60_000)
            } catch (interruption: InterruptedException) {
                interrupted.countDown()
                throw interruption
            }
            throw BundleError("nobody cancelled")
        }
        val screen = QuestionScreenState(scope, session)
        onMain { screen.ask() }
        started.await()
        onMain { screen.cancel() }
        interrupted.await()
        runBlocking { screen.close() }
        assertEquals(Work.Idle, screen.work.value)
    }

    @Test
    fun aLongTextCanBeCancelledBetweenItsWindows() {
        val screen = QuestionScreenState(scope, shared(AlbertQuestionAnswerer, bundle("qa")))
        screen.context.value = "Clara lives in Lisbon. Clara works in Porto. ".repeat(5_000)
        onMain { screen.ask() }
        runBlocking { withTimeout(60_000) { screen.work.first { it == Work.Running } } }
        onMain { screen.cancel() }
        runBlocking { screen.close() }
        assertEquals(Work.Idle, screen.work.value)
    }
}
