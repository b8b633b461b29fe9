/** The table of tasks. A new task is one more row, and a file beside this one. */

import { featureExtraction } from "./feature-extraction.js";
import { fillMask } from "./fill-mask.js";
import { multipleChoice } from "./multiple-choice.js";
import { pretraining } from "./pretraining.js";
import { questionAnswering } from "./question-answering.js";
import { textClassification } from "./text-classification.js";
import { tokenClassification } from "./token-classification.js";
import type { ViewMaker } from "./view.js";

export const VIEWS: Record<string, ViewMaker> = {
  "feature-extraction": featureExtraction,
  "fill-mask": fillMask,
  "multiple-choice": multipleChoice,
  pretraining,
  "question-answering": questionAnswering,
  "text-classification": textClassification,
  "token-classification": tokenClassification,
};
