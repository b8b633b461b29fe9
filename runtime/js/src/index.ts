/**
 * Runs exported ALBERT models in Node and in browsers, with the answers of the Python package `albert-runtime`.
 *
 * `load` returns the session for the bundle's task; each of the seven session classes says what it is called with.
 */

export {
	type Answer,
	type Choice,
	type Embedding,
	type Entity,
	type Filled,
	type Label,
	type SentenceOrder,
	toDict,
} from "./answers";
export type { Bundle } from "./bundle/bundle";
export type { BundleFiles, Progress } from "./bundle/files";
export type { Manifest } from "./bundle/manifest";
export type { Source } from "./bundle/open-source";
export { CannedEngine } from "./engines/canned-engine";
export type { Engine, EngineFactory, EngineName, EngineSettings, ModelFile } from "./engines/engine";
export { type LiteRtModule, type LiteRtOptions, liteRt } from "./engines/litert-engine";
export { type OnnxOptions, type OnnxWebOptions, type OrtModule, onnxNode, onnxWeb } from "./engines/onnx-engine";
export * from "./errors";
export { type AnySession, load } from "./load";
export type { LoadOptions } from "./open-session";
export type { AggregationStrategy } from "./postprocessing/entities";
export { AlbertSession, type CallOptions } from "./session";
export { type EmbedOptions, FeatureExtractionSession } from "./sessions/feature-extraction";
export { FillMaskSession, type FillOptions, type OrderOptions, PretrainingSession } from "./sessions/masked-words";
export { type ChooseOptions, MultipleChoiceSession } from "./sessions/multiple-choice";
export { QuestionAnsweringSession } from "./sessions/question-answering";
export type { QuestionOptions, QuestionsOptions } from "./sessions/question-options";
export { type ClassifyOptions, TextClassificationSession } from "./sessions/text-classification";
export { type EntityOptions, TokenClassificationSession } from "./sessions/token-classification";
export { ZeroShotClassifier, type ZeroShotOptions } from "./sessions/zero-shot";
export type { IdTensor, Inputs, Outputs, Tensor } from "./tensors";
export type { Ids } from "./token-ids";
export { AlbertTokenizer } from "./tokenization/tokenizer";
