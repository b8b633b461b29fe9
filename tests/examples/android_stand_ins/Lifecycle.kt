// Stand-ins of androidx.lifecycle.
package androidx.lifecycle

import android.app.Application
import kotlinx.coroutines.CoroutineScope

abstract class ViewModel {
    protected open fun onCleared() {}
}

open class AndroidViewModel(private val application: Application) : ViewModel() {
    open fun <T : Application> getApplication(): T = TODO("$application")
}

val ViewModel.viewModelScope: CoroutineScope get() = TODO()
