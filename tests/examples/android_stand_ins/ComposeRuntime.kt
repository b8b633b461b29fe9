// Stand-ins of androidx.compose.runtime, without its compiler plugin.
package androidx.compose.runtime

import kotlin.reflect.KProperty

@Target(AnnotationTarget.FUNCTION, AnnotationTarget.TYPE, AnnotationTarget.TYPE_PARAMETER, AnnotationTarget.PROPERTY_GETTER)
annotation class Composable

interface State<out T> {
    val value: T
}

interface MutableIntState : State<Int> {
    override var value: Int
    var intValue: Int
}

operator fun <T> State<T>.getValue(thisObj: Any?, property: KProperty<*>): T = value

operator fun MutableIntState.setValue(thisObj: Any?, property: KProperty<*>, value: Int) {
    intValue = value
}

fun mutableIntStateOf(value: Int): MutableIntState = TODO("$value")
