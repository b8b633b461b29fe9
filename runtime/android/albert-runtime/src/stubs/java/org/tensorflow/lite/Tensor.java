package org.tensorflow.lite;

import java.nio.ByteBuffer;

/** A stand-in with the signatures of LiteRT's interface of this name; see {@link InterpreterApi}. */
public interface Tensor {
    String name();

    DataType dataType();

    int[] shape();

    int[] shapeSignature();

    ByteBuffer asReadOnlyBuffer();
}
