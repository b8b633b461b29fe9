package org.tensorflow.lite;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * A stand-in with the signatures of LiteRT's interface of this name, as far as LiteRtEngine calls it. The library is
 * compiled against it where the AAR is not at hand; it is packaged nowhere.
 */
public interface InterpreterApi extends AutoCloseable {
    static InterpreterApi create(File model, Options options) {
        throw new UnsupportedOperationException("a stand-in runs no model");
    }

    static InterpreterApi create(ByteBuffer model, Options options) {
        throw new UnsupportedOperationException("a stand-in runs no model");
    }

    int getInputTensorCount();

    Tensor getInputTensor(int index);

    int getOutputTensorCount();

    Tensor getOutputTensor(int index);

    void resizeInput(int index, int[] shape);

    void allocateTensors();

    void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs);

    @Override
    void close();

    /** How an interpreter is opened. */
    class Options {
        private int threads = -1;

        public Options setNumThreads(int threads) {
            this.threads = threads;
            return this;
        }

        public int getNumThreads() {
            return threads;
        }
    }
}
