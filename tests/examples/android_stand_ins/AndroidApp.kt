package android.app

import android.content.res.AssetManager

open class Application {
    val assets: AssetManager get() = TODO()
}
