package albert.runtime

import albert.runtime.sessions.FeatureExtractionSession
import albert.runtime.sessions.FillMaskSession
import albert.runtime.sessions.MultipleChoiceSession
import albert.runtime.sessions.PretrainingSession
import albert.runtime.sessions.QuestionAnsweringSession
import albert.runtime.sessions.TextClassificationSession
import albert.runtime.sessions.TokenClassificationSession
import albert.runtime.sessions.ZeroShotClassifier

// The names that an app uses: AlbertQuestionAnswerer.load(folder).answer(question, context). The classes behind them have
// the names of their Python twins.

/** A question and one or more contexts -> passages of the contexts. */
typealias AlbertQuestionAnswerer = QuestionAnsweringSession

/** A text, or a pair of texts -> labels. */
typealias AlbertTextClassifier = TextClassificationSession

/** A text -> the entities in it. */
typealias AlbertTokenClassifier = TokenClassificationSession

/** A text with [MASK] in it -> the pieces that may stand there. */
typealias AlbertFillMask = FillMaskSession

/** Two texts -> whether they are in their original order, and pieces for the masks in them. */
typealias AlbertPretraining = PretrainingSession

/** A prompt and several choices -> the choice that goes best with the prompt. */
typealias AlbertMultipleChoice = MultipleChoiceSession

/** A text -> vectors. */
typealias AlbertFeatureExtractor = FeatureExtractionSession

/** A text and any labels -> how well each label fits the text. */
typealias AlbertZeroShotClassifier = ZeroShotClassifier
