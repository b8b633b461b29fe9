"""The table of tasks: its names are unique, and what it refers to exists."""

from __future__ import annotations

import inspect

import pytest

from albert_runtime.errors import UsageError
from albert_runtime.lazy_import import load_object
from albert_runtime.postprocessing.classification import FUNCTIONS
from albert_runtime.postprocessing.entities import AGGREGATION_STRATEGIES
from albert_runtime.postprocessing.pooling import POOLINGS
from albert_runtime.session import AlbertSession, session_class
from albert_runtime.tasks import TASKS, find_task


def test_tasks_are_found_by_every_name():
    names = [name for task in TASKS.values() for name in (task.name, *task.aliases)]
    assert len(names) == len(set(names))
    for task in TASKS.values():
        assert all(find_task(name.upper().replace("-", "_")) is task for name in (task.name, *task.aliases))
    with pytest.raises(UsageError, match=r"unknown task 'summarization'; .*fill-mask \(mlm, masked-lm\)"):
        find_task("summarization")


def test_a_misspelled_task_is_suggested():
    with pytest.raises(UsageError, match=r'; did you mean "question-answering"\?$'):
        find_task("Question_Answring")
    with pytest.raises(UsageError, match=r"mlm\+sop\), .*\)$"):
        find_task("poetry")


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_each_session_class_serves_its_task_and_takes_its_arguments(task):
    found = session_class(task)
    assert issubclass(found, AlbertSession)
    assert found.task == task.name
    parameters = inspect.signature(found.__call__).parameters
    required = [name for name, one in parameters.items() if one.default is one.empty and name != "self"]
    if task.name == "token-classification":  # the call takes the words of a text instead of the text, too
        required = ["text"]
    assert [argument.name for argument in task.arguments if argument.required] == required
    assert {argument.name for argument in task.arguments} <= set(parameters)
    assert task.takes_top_k == ("top_k" in parameters)
    assert {setting.name for setting in task.settings} <= set(parameters)
    assert callable(load_object(task.formatter))


def test_options_are_named_after_the_arguments():
    options = {argument.name: argument.option for task in TASKS.values() for argument in task.arguments}
    assert options["text_pair"] == "--text-pair"
    assert options["choices"] == "--choice"


def test_the_settings_have_the_values_that_the_sessions_take():
    choices = {one.name: one.choices for task in TASKS.values() for one in task.settings if one.choices}
    assert choices == {
        "pooling": POOLINGS,
        "function_to_apply": tuple(FUNCTIONS),
        "aggregation_strategy": AGGREGATION_STRATEGIES,
    }
