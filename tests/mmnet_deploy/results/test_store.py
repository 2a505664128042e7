"""Stored results: safe names, whole files, and what is skipped of a folder."""

import dataclasses
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_benchmark import Engine
from mmnet_deploy.errors import OutputError, ResultError
from mmnet_deploy.results import store
from mmnet_deploy.results.record_json import to_json
from tests.support.results import PHONE, benchmark, counted, evaluation, model

hostile = st.characters(exclude_categories=["Cs"]) | st.sampled_from("/\\.\0:\n ~")


@given(
    name=st.text(hostile, max_size=20),
    serial=st.text(hostile, max_size=12),
    words=st.text(hostile, max_size=8),
)
@settings(deadline=None)
def test_names_of_files_are_safe(tmp_path_factory, name, serial, words):
    """However hostile the names in a result, it is one plain JSON file in its folder."""
    folder = tmp_path_factory.mktemp("parent") / "results"
    results = [
        benchmark(
            model(sha=words, name=name),
            device=dataclasses.replace(PHONE, serial=serial),
            engine=Engine(words, words, words),
            created_at=words,
        ),
        evaluation(model(sha=words, name=name), data=serial, split=words),
    ]
    for result in results:
        path = store.save(result, folder)
        assert path.parent == folder
        assert re.fullmatch(r"(benchmark|evaluation)-[\w.-]*\.json", path.name)
    assert sorted(path.name[:5] for path in folder.iterdir()) == ["bench", "evalu"]
    assert list(folder.parent.iterdir()) == [folder]
    assert store.load([folder]) == results


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.tflite", "/etc/passwd", "a\0b.tflite", "-rf.tflite", "C:\\x.tflite"]
)
def test_hostile_model_names_stay_in_the_folder(tmp_path, name):
    """A path in a model's name leads nowhere."""
    folder = tmp_path / "results"
    store.save(benchmark(model(name=name)), folder)
    (path,) = (p for p in tmp_path.rglob("*") if p.is_file())
    assert path.parent == folder
    assert path.name.startswith("benchmark-")


@pytest.mark.parametrize("sign", ["n", "é", "界", "\U0001f600"])
@pytest.mark.parametrize("length", [180, 207, 255, 4000])
def test_a_long_name_is_shortened(tmp_path, sign, length):
    """Names that differ at their end only are two files, whatever their signs take in bytes."""
    results = [
        kind(model(name=sign * length + end + ".tflite"))
        for kind in (benchmark, evaluation)
        for end in "ab"
    ]
    paths = [store.save(result, tmp_path) for result in results]
    assert len(set(paths)) == 4
    assert all(len(path.name.encode()) <= 200 for path in paths)
    assert sorted(map(repr, store.load([tmp_path]))) == sorted(map(repr, results))


def test_a_long_serial_is_shortened(tmp_path):
    """As any other part of the name."""
    phones = [dataclasses.replace(PHONE, serial="s" * 300 + end) for end in "ab"]
    for phone in phones:
        store.save(benchmark(model(), device=phone), tmp_path)
    assert {record.device for record in store.load([tmp_path])} == set(phones)


def test_a_pipe_is_not_waited_for(tmp_path):
    """In a folder a pipe is skipped and named; by its name it is an error."""
    store.save(benchmark(model()), tmp_path)
    pipe = tmp_path / "a.json"
    os.mkfifo(pipe)
    found = store.read([tmp_path])
    assert len(found.records) == 1
    assert found.skipped == (f"{pipe}: cannot be read: it is not a regular file.",)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(ResultError, match="not a regular file"):
            store.read([path])


def test_a_file_beyond_any_result_is_not_read(tmp_path):
    """It would only fill the memory."""
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(store.MOST_BYTES + 1)
    with pytest.raises(ResultError, match="too large to be a result"):
        store.read([path])


def test_a_file_that_is_reached_twice_is_one_result(tmp_path, monkeypatch):
    """By its folder, its name, another spelling or a link."""
    path = store.save(benchmark(model()), tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("results")
    relative = path.relative_to(tmp_path)
    ways = [path.parent, Path("results"), Path("link"), relative, path, Path("results/../results")]
    assert len(store.load(ways)) == 1
    assert store.read(ways).files == (path,)


def test_results_come_one_by_one(tmp_path):
    """The first is there before the last is read."""
    paths = [store.save(benchmark(model(sha=sha)), tmp_path) for sha in ("aa", "bb")]
    stream = store.each([tmp_path], lambda line: None)
    assert next(stream)[0] == paths[0]
    paths[1].unlink()
    with pytest.raises(StopIteration):
        next(stream)


def test_different_results_have_different_files(tmp_path):
    """Model, device, engine, delegate, threads and time of a benchmark, and model, data,
    split and size of an evaluation, each give another file."""
    first = benchmark(model())
    benchmarks = [
        first,
        benchmark(model(sha="bb")),
        benchmark(model(name="other.tflite")),
        *(
            dataclasses.replace(first, **change)
            for change in (
                {"device": dataclasses.replace(PHONE, serial="other")},
                {"engine": Engine("classic", "2.1", "xnnpack")},
                {"engine": Engine("LiteRT", "2.1", "none")},
                {"threads": 4},
                {"created_at": "2025-01-01T00:00:01+00:00"},
            )
        ),
    ]
    base = evaluation(model())
    evaluations = [
        base,
        evaluation(model(sha="bb")),
        *(
            dataclasses.replace(base, **change)
            for change in (
                {"data": "others"},
                {"split": "train"},
                {"height_px": 600, "width_px": 800},
                {"height_px": None, "width_px": None},
            )
        ),
    ]
    paths = [store.save(result, tmp_path) for result in benchmarks + evaluations]
    assert len(set(paths)) == len(paths)
    assert len(store.load([tmp_path])) == len(paths)


def test_repeated_evaluation_replaces_the_file(tmp_path):
    """The same model on the same data has one evaluation, the last."""
    for error in (0.004, 0.003):
        store.save(evaluation(model(), error), tmp_path)
    assert store.load([tmp_path]) == [evaluation(model(), 0.003)]


def test_folder_that_cannot_be_written_is_refused(tmp_path):
    """A file in the way of the results is named."""
    (tmp_path / "results").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write to the folder .*results"):
        store.save(benchmark(model()), tmp_path / "results")


def test_results_are_read_from_files_and_folders(tmp_path):
    """Folders give all their JSON files in order of names, each file once, and nothing else."""
    one, two = benchmark(model("aa")), benchmark(model("bb"))
    single = tmp_path / "single.txt"
    single.write_text(to_json(two))
    folder = tmp_path / "folder"
    first = store.save(one, folder)
    (folder / "notes.txt").write_text("no result")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "x.json").write_text("no result")
    (folder / ".77.benchmark.json").write_text("is being written")
    assert store.load(iter([single, folder, first])) == [two, one]


NO_RESULTS = [
    (b"", "is not a result of mmnet-deploy"),
    (b"mad,0.2", "is not a result of mmnet-deploy"),
    (b"[1, 2]", "is not a result of mmnet-deploy"),
    (b"{}", "is not a result of mmnet-deploy"),
    (b"\xff\xfe\x00", "is not a result of mmnet-deploy"),
    (b'{"kind": "benchmark", "schema_version": 99}', "newer mmnet-deploy"),
    (b'{"kind": "opinion", "schema_version": 1, "model": {"card": null}}', "unknown kind"),
]


@pytest.mark.parametrize(("content", "rule"), NO_RESULTS)
def test_what_is_no_result_is_skipped_in_a_folder(tmp_path, content, rule):
    """The file is named with the rule that it breaks, and the sound ones are read."""
    one = benchmark(model())
    store.save(one, tmp_path)
    (tmp_path / "odd.json").write_bytes(content)
    reading = store.read([tmp_path])
    assert reading.records == (one,) and [file.parent for file in reading.files] == [tmp_path]
    (line,) = reading.skipped
    assert re.search(rf"odd\.json: .*{rule}", line)


@pytest.mark.parametrize(("content", "rule"), NO_RESULTS)
def test_what_is_no_result_is_refused_where_it_is_named(tmp_path, content, rule):
    """Who names a file wants that file, however many sound ones stand beside it."""
    store.save(benchmark(model()), tmp_path)
    (tmp_path / "odd.json").write_bytes(content)
    with pytest.raises(ResultError, match=rf"odd\.json: .*{rule}"):
        store.read([tmp_path, tmp_path / "odd.json"])


def test_a_half_written_result_costs_no_other(tmp_path):
    """A file that was cut off, as by a full disk, is skipped."""
    path = store.save(benchmark(model("aa")), tmp_path)
    other = benchmark(model("bb"))
    store.save(other, tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    assert store.load([tmp_path]) == [other]


def test_missing_path_is_refused(tmp_path):
    """The system's reason is in the message."""
    with pytest.raises(ResultError, match=r"gone\.json: cannot be read: No such file"):
        store.load([tmp_path / "gone.json"])


def test_no_results_are_refused(tmp_path):
    """Empty folders are named, with the commands that would fill them."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with pytest.raises(ResultError, match=r"No results in .*a, .*b\. `mmnet-deploy bench`"):
        store.load([tmp_path / "a", tmp_path / "b"])


def test_a_count_keeps_its_name_and_is_read_back(tmp_path):
    """Counted again, it replaces itself."""
    cost = counted(100)
    assert store.save(cost, tmp_path) == store.save(cost, tmp_path)
    assert store.load([tmp_path]) == [cost]
