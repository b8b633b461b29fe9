/** `load`, which opens the session that fits a bundle's task. */

import type { Source } from "./bundle/open-source";
import { type LoadOptions, openSession, type SessionClass } from "./open-session";
import { FeatureExtractionSession } from "./sessions/feature-extraction";
import { FillMaskSession, PretrainingSession } from "./sessions/masked-words";
import { MultipleChoiceSession } from "./sessions/multiple-choice";
import { QuestionAnsweringSession } from "./sessions/question-answering";
import { TextClassificationSession } from "./sessions/text-classification";
import { TokenClassificationSession } from "./sessions/token-classification";

/** The session of any task. */
export type AnySession =
	| FeatureExtractionSession
	| FillMaskSession
	| MultipleChoiceSession
	| PretrainingSession
	| QuestionAnsweringSession
	| TextClassificationSession
	| TokenClassificationSession;

const CLASSES: readonly SessionClass<AnySession>[] = [
	FeatureExtractionSession,
	FillMaskSession,
	MultipleChoiceSession,
	PretrainingSession,
	QuestionAnsweringSession,
	TextClassificationSession,
	TokenClassificationSession,
];

/** The session for the bundle in `source`; see `openSession` for what is thrown. */
export function load(source: Source, options: LoadOptions = {}): Promise<AnySession> {
	return openSession(source, options, CLASSES);
}
