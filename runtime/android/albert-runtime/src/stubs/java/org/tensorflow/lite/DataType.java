package org.tensorflow.lite;

/** A stand-in with the values of LiteRT's enum of this name that ALBERT's graphs use; see {@link InterpreterApi}. */
public enum DataType {
    FLOAT32,
    INT32,
    INT64
}
