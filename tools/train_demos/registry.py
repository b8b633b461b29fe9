"""DEMOS: the seven demos by the full name of their task."""

from __future__ import annotations

from tools.train_demos.demo import Demo
from tools.train_demos.feature_extraction import FeatureExtractionDemo
from tools.train_demos.fill_mask import FillMaskDemo
from tools.train_demos.multiple_choice import MultipleChoiceDemo
from tools.train_demos.pretraining import PretrainingDemo
from tools.train_demos.question_answering import QuestionAnsweringDemo
from tools.train_demos.text_classification import TextClassificationDemo
from tools.train_demos.token_classification import TokenClassificationDemo

DEMOS: dict[str, Demo] = {
    demo.task: demo
    for demo in (
        FeatureExtractionDemo(),
        PretrainingDemo(),
        FillMaskDemo(),
        TextClassificationDemo(),
        TokenClassificationDemo(),
        MultipleChoiceDemo(),
        QuestionAnsweringDemo(),
    )
}
