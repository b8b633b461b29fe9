from __future__ import annotations

import io
from dataclasses import replace

import pytest

from albert_runtime import UsageError
from albert_runtime.files import lines
from albert_runtime.files.columns import Columns
from albert_runtime.files.lines import LineSource
from albert_runtime.files.records import RecordReader, format_of
from albert_runtime.tasks import TASKS, Argument

CLASSIFIED, ASKED, CHOSEN = (TASKS[name] for name in ("text-classification", "question-answering", "multiple-choice"))


def records(content, file_format, task=CLASSIFIED, given=(), mapping=()):
    """The line and the request of each record, or the line and what is wrong with it."""
    content = content if isinstance(content, bytes) else content.encode()
    reader = RecordReader(LineSource(io.BytesIO(content), "in"), file_format, Columns(task, given, mapping))
    found = [(one.line, one.request if one.request is not None else one.problem) for one in reader]
    assert reader.source.position == len(content)
    return found


class TestJsonl:
    def test_objects_strings_and_arrays(self):
        content = '{"text": "a", "id": 3}\n"b"\n["c", "d"]\n{"text": "e", "text_pair": null}\n'
        assert records(content, "jsonl") == [
            (1, {"text": "a"}),
            (2, {"text": "b"}),
            (3, {"text": "c", "text_pair": "d"}),
            (4, {"text": "e"}),
        ]

    def test_blank_lines_bom_crlf_and_other_line_separators(self):
        content = '\ufeff{"text": "a"}\r\n\r\n \n{"text": "b\u2028c"}'
        assert records(content, "jsonl") == [(1, {"text": "a"}), (4, {"text": "b\u2028c"})]

    def test_a_broken_last_line(self):
        first, (line, problem) = records('{"text": "a"}\n{"text": "b', "jsonl")
        assert first == (1, {"text": "a"})
        assert line == 2
        assert "not JSON" in problem
        assert problem.endswith("; the input ends in the middle of this line")

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("{'text': 1}", "it is not JSON: Expecting property name"),
            ("[" * 100_000, "it is not JSON"),
            ("3", "it is a JSON int; give an object, a string or an array"),
            ('{"review": "a"}', "there is no 'text'; it has review; say which it is with --column text=NAME"),
            ('["a", "b", "c"]', "it holds 3 values; expected are text, text_pair"),
            ("[]", "it holds 0 values"),
        ],
    )
    def test_wrong_lines(self, line, problem):
        (one, good) = records(f'{line}\n"good"\n', "jsonl")
        assert one[1].startswith(problem)
        assert good == (2, {"text": "good"})

    def test_columns(self):
        content = '{"q": "who?", "docs": {"x": 1}, "context": "Ada"}'
        assert records(content, "jsonl", ASKED, mapping=["question=q"]) == [(1, {"question": "who?", "context": "Ada"})]

    def test_choices(self):
        content = '{"prompt": "p", "choices": ["a", "b"]}\n{"prompt": "p", "a": "x", "b": "y"}'
        assert records(content.splitlines()[0], "jsonl", CHOSEN)[0][1] == {"prompt": "p", "choices": ["a", "b"]}
        spread = records(content.splitlines()[1], "jsonl", CHOSEN, mapping=["choices=a,b"])
        assert spread[0][1] == {"prompt": "p", "choices": ["x", "y"]}


class TestTables:
    def test_csv(self):
        content = '\ufeffid,text,text_pair\r\n1,"a, ""b""\r\nc",\r\n\r\n2,d,e\r\n'
        assert records(content, "csv") == [(2, {"text": 'a, "b"\r\nc'}), (5, {"text": "d", "text_pair": "e"})]

    def test_tsv_has_no_quoting(self):
        assert records('text\tid\n"a\t1\nb "c"\t2', "tsv") == [(2, {"text": '"a'}), (3, {"text": 'b "c"'})]

    def test_a_quotation_mark_that_is_not_closed_spoils_only_its_line(self):
        content = 'text,id\na,1\n"b,2\nc,3\nd,4\n'
        assert records(content, "csv") == [
            (2, {"text": "a"}),
            (3, "it is not CSV: a quotation mark is not closed"),
            (4, {"text": "c"}),
            (5, {"text": "d"}),
        ]

    def test_rows_of_another_length(self):
        assert records("text,id\na\nb,1,2\n", "csv") == [
            (2, "it has 1 fields, and the header has 2"),
            (3, "it has 3 fields, and the header has 2"),
        ]

    def test_choices_in_columns(self):
        content = "prompt,first,second,third\np,a,b,\n"
        found = records(content, "csv", CHOSEN, mapping=["choices=first,second,third"])
        assert found == [(2, {"prompt": "p", "choices": ["a", "b"]})]

    @pytest.mark.parametrize(
        ("content", "mapping", "message"),
        [
            (
                "review,id\n",
                (),
                "in has the columns review, id:\n  - there is no column text; say which it is with --col",
            ),
            ("text,text\n", (), "there are 2 columns text"),
            ("text,id\n", ("text_pair=other",), "there is no column other"),
            ("", (), "can't read the header of in: it is empty"),
            (b"caf\xe9,text\n", (), "byte 0xe9 at byte 3 of the input is not UTF-8; if the input is latin-1"),
            ('"text\n', (), "a quotation mark is not closed"),
        ],
    )
    def test_headers_that_can_not_be_used(self, content, mapping, message):
        with pytest.raises(UsageError) as caught:
            records(content, "csv", mapping=mapping)
        assert message in str(caught.value)


class TestText:
    def test_lines(self):
        assert records('a\n\n"b"\r\nc', "txt") == [(1, {"text": "a"}), (3, {"text": '"b"'}), (4, {"text": "c"})]

    def test_the_other_text_is_given(self):
        assert records("Ada\n", "txt", ASKED, given=["question"]) == [(1, {"context": "Ada"})]

    @pytest.mark.parametrize("task", [ASKED, CHOSEN])
    def test_tasks_with_several_texts(self, task):
        with pytest.raises(UsageError, match=r"a line of in is one text, and .* needs \w+, \w+; give a \.jsonl"):
            records("a\n", "txt", task)


class TestLines:
    def test_latin1_names_the_byte(self):
        (one, two) = records("caf\u00e9\n".encode("latin-1") + b"good\n", "txt")
        assert one == (
            1,
            "byte 0xe9 at byte 3 of the input is not UTF-8; if the input is latin-1, convert it: "
            "iconv -f latin1 -t utf-8",
        )
        assert two == (2, {"text": "good"})

    def test_utf16_is_refused(self):
        with pytest.raises(UsageError, match="in is UTF-16; convert it"):
            records("text".encode("utf-16"), "txt")

    def test_a_line_that_is_too_long_is_passed_over(self, monkeypatch):
        monkeypatch.setattr(lines, "MAX_LINE", 8)
        assert records(b"good\n" + b"x" * 50 + b"\nlast", "txt") == [
            (1, {"text": "good"}),
            (2, "the line has 51 bytes; at most 8 are read"),
            (3, {"text": "last"}),
        ]

    def test_skipping_needs_the_same_input(self):
        content = b'{"text": "a"}\nwrong\n"c"\n'
        first = LineSource(io.BytesIO(content), "in")
        reader = iter(RecordReader(first, "jsonl", Columns(CLASSIFIED)))
        next(reader), next(reader)
        again = LineSource(io.BytesIO(content + b"more\n"), "in")
        again.skip_to(first.position, first.checksum)
        assert again.read().content == b'"c"\n'
        for other in (content.replace(b"a", b"b"), content[:5], b""):
            with pytest.raises(UsageError, match="are not those that the interrupted run has answered"):
                LineSource(io.BytesIO(other), "in").skip_to(first.position, first.checksum)


def test_a_list_that_may_be_absent():
    targets = Argument("targets", "words", required=False, repeated=True)
    task = replace(CLASSIFIED, arguments=(*CLASSIFIED.arguments[:1], targets))
    mapping = ["targets=a,b"]
    assert records("text,a,b\nx,,\ny,1,2\n", "csv", task, mapping=mapping) == [
        (2, {"text": "x"}),
        (3, {"text": "y", "targets": ["1", "2"]}),
    ]
    assert records("text\nx\n", "csv", task) == [(2, {"text": "x"})]
    assert records('{"text": "x"}\n{"text": "y", "b": "1"}', "jsonl", task, mapping=mapping) == [
        (1, {"text": "x"}),
        (2, {"text": "y", "targets": ["1"]}),
    ]
    assert records('{"text": "x", "targets": ["1"]}', "jsonl", task)[0][1] == {"text": "x", "targets": ["1"]}
    assert records("x\n", "txt", task) == [(1, {"text": "x"})]


@pytest.mark.parametrize(
    ("mapping", "given", "message"),
    [
        (["text"], (), "--column text is not of the form ARGUMENT=COLUMN"),
        (["title=a"], (), "--column title=a: title is not read from the file; it gives text, text_pair"),
        (["text=a"], ["text"], "--column text=a: text is not read from the file"),
        ([], ["text"], "text: leave it to the file, or leave out --input"),
    ],
)
def test_columns_that_do_not_go_with_the_task(mapping, given, message):
    with pytest.raises(UsageError) as caught:
        Columns(CLASSIFIED, given, mapping)
    assert message in str(caught.value)


def test_formats():
    assert [format_of(name, None) for name in ("a.JSONL", "a.ndjson", "a.csv", "a.tsv", "a.txt", "-")] == [
        "jsonl",
        "jsonl",
        "csv",
        "tsv",
        "txt",
        "jsonl",
    ]
    assert format_of("a.csv", "tsv") == "tsv"
    with pytest.raises(UsageError, match=r"a\.json ends with none of .*; say what it is: --format jsonl\|csv"):
        format_of("a.json", None)
