import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.library)
    `maven-publish`
}

group = "albert.runtime"
version = "0.1.0"

android {
    namespace = "albert.runtime"
    compileSdk = libs.versions.compileSdk.get().toInt()

    defaultConfig {
        minSdk = libs.versions.minSdk.get().toInt()
        consumerProguardFiles("consumer-rules.pro")
    }

    // Android runs this bytecode from API level 24 on, without desugaring.
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    publishing {
        singleVariant("release") {
            withSourcesJar()
        }
    }
}

kotlin {
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_1_8)
    }
}

// What stands in for LiteRT's classes in the tests; it is never packaged.
val compileStandIns by tasks.registering(JavaCompile::class) {
    source("src/stubs/java")
    classpath = files()
    destinationDirectory = layout.buildDirectory.dir("stand-ins")
    sourceCompatibility = "1.8"
    targetCompatibility = "1.8"
}

dependencies {
    // The app chooses its engine, one or both, and adds it itself.
    compileOnly(libs.onnxruntime.android)
    compileOnly(libs.litert)

    testImplementation(libs.junit4)
    // The tests run on the JVM. LiteRT has no library for it: they use stand-ins of its classes.
    testImplementation(libs.onnxruntime.jvm)
    testImplementation(files(compileStandIns))
}

publishing {
    publications {
        register<MavenPublication>("release") {
            artifactId = "albert-runtime"
            afterEvaluate { from(components["release"]) }
        }
    }
}
