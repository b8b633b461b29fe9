plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "albert.example"
    compileSdk = libs.versions.compileSdk.get().toInt()

    defaultConfig {
        applicationId = "albert.example"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.compileSdk.get().toInt()
        versionCode = 1
        versionName = "0.1.0"
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }

    buildFeatures {
        compose = true
    }

    // A model that lies uncompressed in the app is mapped into memory instead of copied.
    androidResources {
        noCompress += listOf("onnx", "tflite", "albert")
    }

    // One APK for each kind of processor; an App Bundle is split without this.
    splits {
        abi {
            isEnable = true
            reset()
            include("arm64-v8a", "armeabi-v7a", "x86_64")
            isUniversalApk = false
        }
    }
}

dependencies {
    implementation("albert.runtime:albert-runtime:0.1.0")
    // The engine. For bundles of `albert-export tflite` it is libs.litert.
    implementation(libs.onnxruntime.android)

    implementation(libs.coroutines.android)
    implementation(libs.activity.compose)
    implementation(libs.lifecycle.runtime.compose)
    implementation(libs.lifecycle.viewmodel)
    implementation(platform(libs.compose.bom))
    implementation(libs.compose.ui)
    implementation(libs.compose.material3)

    testImplementation(libs.junit4)
    testImplementation(libs.coroutines.core)
    testImplementation(libs.onnxruntime.jvm)
}

// The bundles of the demo checkpoints, as assets. `albert-export` must be on the path.
val exportQuestionAnswering by tasks.registering(Exec::class) {
    commandLine("albert-export", "onnx", "--task", "qa", "--precision", "int8", "--force", "--output", "src/main/assets/qa")
}
val exportClassification by tasks.registering(Exec::class) {
    commandLine("albert-export", "onnx", "--task", "cls", "--precision", "int8", "--force", "--output", "src/main/assets/cls")
}
tasks.register("exportDemoBundles") {
    group = "assets"
    description = "Exports the demo checkpoints into the assets of the app"
    dependsOn(exportQuestionAnswering, exportClassification)
}
