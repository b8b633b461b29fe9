pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
    repositories {
        google()
        mavenCentral()
    }
    // The app and the library share their versions.
    versionCatalogs {
        create("libs") {
            from(files("../../runtime/android/gradle/libs.versions.toml"))
        }
    }
}

rootProject.name = "albert-example"
include(":app")
// The library is built from source, in place of the artifact albert.runtime:albert-runtime.
includeBuild("../../runtime/android")
