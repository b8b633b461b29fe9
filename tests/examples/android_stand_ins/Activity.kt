// Stand-ins of androidx.activity.
package androidx.activity

import android.os.Bundle
import androidx.lifecycle.ViewModel

open class ComponentActivity {
    protected open fun onCreate(savedInstanceState: Bundle?): Unit = TODO()
}

fun ComponentActivity.enableEdgeToEdge(): Unit = TODO()

inline fun <reified T : ViewModel> ComponentActivity.viewModels(): Lazy<T> = lazy { TODO() }
