package org.tensorflow.lite;

/** A stand-in with the signature of LiteRT's class of this name; see {@link InterpreterApi}. */
public final class TensorFlowLite {
    private TensorFlowLite() {}

    public static String runtimeVersion() {
        return "0 (a stand-in)";
    }
}
