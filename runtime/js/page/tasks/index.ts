/** The table of tasks. A new task is one more row, and a file beside this one. */

import { featureExtraction } from "./feature-extraction";
import { fillMask } from "./fill-mask";
import { multipleChoice } from "./multiple-choice";
import { pretraining } from "./pretraining";
import { questionAnswering } from "./question-answering";
import { textClassification } from "./text-classification";
import { tokenClassification } from "./token-classification";
import type { ViewMaker } from "./view";

export const VIEWS: Record<string, ViewMaker> = {
	"feature-extraction": featureExtraction,
	"fill-mask": fillMask,
	"multiple-choice": multipleChoice,
	pretraining,
	"question-answering": questionAnswering,
	"text-classification": textClassification,
	"token-classification": tokenClassification,
};
