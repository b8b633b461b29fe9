"""Compiles and tests the Kotlin library of runtime/android on the JVM, without Gradle and without an Android SDK."""
