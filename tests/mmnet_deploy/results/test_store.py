"""Stored results: safe names, whole files, honest joins."""

import dataclasses
import itertools
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_benchmark import (
    PRESETS,
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    Measurement,
    RunRules,
    Statistics,
)
from mmnet_deploy.errors import OutputError, ResultError
from mmnet_deploy.results import naming, store, table, trade_offs
from mmnet_deploy.results.estimate import load_profile
from mmnet_deploy.results.record_json import to_json
from mmnet_deploy.results.records import Benchmark, Evaluation, PictureScore
from mmnet_deploy.tflite.card import ModelCard, ModelFile
from tests.mmnet_deploy.results.test_estimate import counted

PHONE = DeviceFacts("1A2B", "Pixel 6", "Tensor", 8, "Android 14")
EMULATED = dataclasses.replace(PHONE, serial="emulator-5554", emulated=True)
INVALID = Flag("stable", False, "noise")


def card(width=1.0, size=256, precision="float32", title="MMNet"):
    """A model's description."""
    return ModelCard("mmnet", title, width, size, size, precision, 1234, "", "", "")


def model(sha="aa", name="net.tflite", described=None):
    """A model file."""
    return ModelFile(name, sha, 777, described)


def evaluation(file, gradient_error=0.004, **changes):
    """The quality of a model."""
    scores = {"gradient_error": gradient_error, "mad": 0.02, "mean_iou": 0.9}
    fields = {
        "data": "portraits",
        "data_sha256": "d" * 64,
        "split": "test",
        "height_px": 800,
        "width_px": 600,
        "engine": "LiteRT 2",
        "pictures": (PictureScore("a", scores),),
        "created_at": "2025-01-01T00:00:00+00:00",
    }
    return Evaluation(model=file, **(fields | changes))


def benchmark(file, samples=(1000.0,), **changes):
    """The latency of a model."""
    fields = {
        "device": PHONE,
        "engine": Engine("LiteRT", "2.1", "xnnpack"),
        "threads": 1,
        "rules": RunRules(),
        "measurement": Measurement((9e9,), tuple(samples)),
        "flags": (),
        "before": DeviceState(),
        "after": DeviceState(),
        "versions": {},
        "created_at": "2025-01-01T00:00:00+00:00",
    }
    return Benchmark(model=file, **(fields | changes))


def labels(*shown):
    """Labels of the chart's points for pairs of a description and its threads."""
    results = []
    for index, (described, threads) in enumerate(shown):
        file = model(f"sha{index}", described=described)
        results += [evaluation(file), benchmark(file, threads=threads)]
    return [point.label for point in trade_offs.join(results).points]


# --- Files -------------------------------------------------------------------


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


def test_long_model_name_is_stored_or_refused(tmp_path):
    """A name beyond what the file system takes is no crash."""
    result = benchmark(model(name="n" * 400 + ".tflite"))
    try:
        store.save(result, tmp_path)
    except OutputError:
        assert not list(tmp_path.iterdir())
    else:
        assert store.load([tmp_path]) == [result]


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
    with pytest.raises(ResultError, match=r"Cannot read .*gone\.json: No such file"):
        store.load([tmp_path / "gone.json"])


def test_no_results_are_refused(tmp_path):
    """Empty folders are named, with the commands that would fill them."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with pytest.raises(ResultError, match=r"No results in .*a, .*b\. `mmnet-deploy bench`"):
        store.load([tmp_path / "a", tmp_path / "b"])


# --- Joining -----------------------------------------------------------------


def test_quality_and_latency_meet_by_the_hash_of_the_file():
    """Names do not count: two files of one name are two models."""
    fast, slow = model("aa", "net.tflite"), model("bb", "net.tflite")
    renamed = model("aa", "renamed.tflite")
    results = [
        evaluation(renamed, 0.005),
        benchmark(slow, [9000.0]),
        evaluation(slow, 0.003),
        benchmark(fast, [2000.0]),
    ]
    for order in itertools.permutations(results):
        joined = trade_offs.join(order)
        assert {(p.latency_ms, p.error) for p in joined.points} == {
            (2.0, 0.005),
            (9.0, 0.003),
        }
        assert not joined.notes


def test_benchmark_without_evaluation_is_noted():
    """It is left out of the rows, and the note says how to get the missing half."""
    known, unknown = model("aa"), model("bb", "unknown.tflite")
    joined = trade_offs.join([evaluation(known), benchmark(known), benchmark(unknown)])
    assert [row[0].model for row in joined.rows] == [known]
    (note,) = joined.notes
    assert note.startswith("No gradient error is known of unknown.tflite: evaluate that very file ")
    assert "mmnet-deploy evaluate" in note


def test_of_many_models_without_evaluation_a_few_are_named():
    """A line, not a page."""
    files = [model(f"{number:02}", f"{number}.tflite") for number in range(28)]
    (note,) = trade_offs.join([benchmark(file) for file in files]).notes
    assert note.startswith(
        "No gradient error is known of 0.tflite, 1.tflite, 2.tflite and 25 more: "
    )
    (note,) = trade_offs.join([benchmark(file) for file in files[:2]]).notes
    assert note.startswith("No gradient error is known of 0.tflite and 1.tflite: ")


def test_evaluation_without_benchmark_gives_no_point():
    """Quality alone is not a trade-off."""
    assert trade_offs.join([evaluation(model())]) == trade_offs.Joined((), ())


@pytest.mark.parametrize(
    ("latencies", "expected"), [((9, 11, 10), 10.0), ((9, 30), 30.0), ((4, 3, 1, 2), 3.0)]
)
def test_the_middle_of_repeated_benchmarks_is_shown(latencies, expected):
    """Of an even number the slower of the two in the middle, in whatever order they are read."""
    file = model()
    repeated = [
        benchmark(file, [ms * 1000.0], created_at=f"2025-01-{day:02}T00:00:00+00:00")
        for day, ms in enumerate(latencies, 1)
    ]
    for order in itertools.permutations(repeated):
        joined = trade_offs.join([evaluation(file), *order])
        assert [point.latency_ms for point in joined.points] == [expected]
        assert joined.notes == (
            f"{len(latencies)} benchmarks with the same settings of net.tflite: "
            "the middle one is shown.",
        )


def test_an_invalid_repeat_is_shown_only_if_none_is_valid():
    """However many there are, and the note says so."""
    file = model()
    invalid = [benchmark(file, [ms * 1000.0], flags=(INVALID,)) for ms in (1, 2, 3)]
    joined = trade_offs.join([evaluation(file), *invalid, benchmark(file, [9000.0])])
    assert [(point.latency_ms, point.valid) for point in joined.points] == [(9.0, True)]
    assert joined.notes[0].endswith("the middle one that is valid is shown.")
    joined = trade_offs.join([evaluation(file), *invalid])
    assert [(point.latency_ms, point.valid) for point in joined.points] == [(2.0, False)]


def test_a_model_no_better_than_a_constant_is_never_on_the_front():
    """Its point is drawn as invalid, in measured and in estimated panels, and a note says why."""
    file, profile = model(), load_profile("snapdragon-820")
    flat = evaluation(file, pictures=(PictureScore("a", {"gradient_error": 1e-4, "mad": 0.4}),))
    flat = dataclasses.replace(flat, foreground_share=0.6)
    joined = trade_offs.join([flat, benchmark(file)])
    assert [point.valid for point in joined.points] == [False]
    assert "MAD 0.400 against 0.400" in joined.notes[0]
    engine = Engine("tflbench", "1", "xnnpack", "xnnpack")
    cost = counted(
        100, model=file, runtime_wheel_sha256=profile.runtime_wheel_sha256, engine=engine
    )
    assert [point.valid for point in trade_offs.estimates([cost, flat], profile)[0]] == [False]
    unknown = dataclasses.replace(flat, foreground_share=None)
    assert [point.valid for point in trade_offs.join([unknown, benchmark(file)]).points] == [True]


def test_repeats_of_several_settings_are_one_note():
    """With their number, and that of the settings."""
    one, other = model("aa"), model("bb", "other.tflite")
    twice = [benchmark(file) for file in (one, one, other, other, other)]
    joined = trade_offs.join([evaluation(one), evaluation(other), *twice])
    assert joined.notes == (
        "5 benchmarks of 2 models share 2 settings: the middle one of each is shown.",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 4},
        {"engine": Engine("LiteRT", "2.1", "none")},
        {"engine": Engine("LiteRT", "2.2", "xnnpack")},
        {"device": dataclasses.replace(PHONE, system="Android 15")},
        {"device": dataclasses.replace(PHONE, serial="another")},
        {"engine": Engine("LiteRT", "2.1", "xnnpack", sha256="f" * 64)},
        {"engine": Engine("LiteRT", "2.1", "xnnpack", "gpu")},
        {"cores": (6, 7), "cores_wanted": "big"},
        {"rules": PRESETS["mlperf"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_benchmarks_of_other_settings_are_no_repetitions(change):
    """Another number of threads, engine, delegate, system or device is another point."""
    file = model()
    other = benchmark(file, created_at="2025-02-02T00:00:00+00:00", **change)
    joined = trade_offs.join([evaluation(file), benchmark(file), other])
    assert len(joined.rows) == 2
    assert not joined.notes


@pytest.mark.parametrize(
    "change",
    [
        {"engine": Engine("LiteRT", "2.1", "xnnpack", "xnnpack")},
        {"engine": Engine("LiteRT", "2.1", "xnnpack", nodes=60, delegated_nodes=60)},
        {"device": dataclasses.replace(PHONE, cores=4, max_frequencies_khz=(1, 2, 0, 0))},
        {"init_us": 5.0, "before": DeviceState(load_1min=1.0)},
    ],
    ids=str,
)
def test_benchmarks_of_the_same_settings_are_repetitions(change):
    """What was not written down earlier, cores that are off, and the state do not matter."""
    file = model()
    joined = trade_offs.join([evaluation(file), benchmark(file), benchmark(file, **change)])
    assert len(joined.rows) == 1


def test_emulated_results_stand_beside_real_ones_only_if_asked_for():
    """They are left out with a note; alone they are shown."""
    file = model()
    real, emulated = benchmark(file), benchmark(file, [7000.0], device=EMULATED)
    both = [evaluation(file), real, emulated]
    joined = trade_offs.join(both)
    assert [row[0] for row in joined.rows] == [real]
    assert joined.notes == (
        "1 emulated result left out: its time is not a phone's; --emulated shows it.",
    )
    again = benchmark(file, device=EMULATED, threads=2)
    assert (
        "2 emulated results left out: their times are" in trade_offs.join([*both, again]).notes[0]
    )
    points = {point.emulated: point for point in trade_offs.join(both, emulated=True).points}
    assert points[False].device.startswith("Pixel 6, 1 thread")
    assert points[True].device.startswith("Pixel 6 (emulated), 1 thread")
    alone = trade_offs.join([evaluation(file), emulated])
    assert [point.emulated for point in alone.points] == [True]
    assert not alone.notes


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"data": "others"}, "others/test"),
        ({"split": "train"}, "portraits/train"),
        ({"height_px": 400}, "400×600"),
        ({"height_px": None, "width_px": None}, "native size"),
        ({"gradient_error_definition": "Rhemann"}, "Rhemann"),
        ({"pictures": evaluation(model()).pictures * 2}, r"\(2 pictures\)"),
    ],
)
def test_qualities_that_cannot_be_compared_are_refused(change, shown):
    """Other data, split, size, definition or pictures do not mix; the message shows both."""
    one, other = model("aa"), model("bb")
    results = [evaluation(one), evaluation(other, **change), benchmark(one), benchmark(other)]
    with pytest.raises(ResultError, match=f"not comparable: .*{shown}") as error:
        trade_offs.join(results)
    assert "portraits/test (1 pictures) at 800×600" in str(error.value)


# --- Points and labels -------------------------------------------------------


def test_points_have_the_units_of_the_chart():
    """Milliseconds, a plain gradient error, parameters and what it was measured on."""
    file = model(described=card(title="MMNet"))
    slow = Flag("stable", False, "noise")
    joined = trade_offs.join(
        [evaluation(file), benchmark(file, [3000.0, 1000.0, 2000.0], flags=(slow,), threads=2)]
    )
    (point,) = joined.points
    assert (point.latency_low_ms, point.latency_ms, point.latency_high_ms) == (1.0, 2.0, 3.0)
    assert point.error == pytest.approx(0.004)
    assert (point.family, point.parameters, point.valid) == ("MMNet", 1234, False)
    assert point.device == "Pixel 6, 2 threads, LiteRT 2.1 xnnpack"


def test_a_point_says_what_is_quoted():
    """The 90th percentile where the rules ask for it, the mean where there is no more."""
    file = model()
    samples = tuple(map(float, range(1000, 12_000, 1000)))
    p90 = benchmark(file, samples, rules=PRESETS["mlperf"])
    (point,) = trade_offs.join([evaluation(file), p90]).points
    assert (point.statistic, point.latency_ms) == ("p90", pytest.approx(10.0))
    given_ = Statistics(50, 9.0, 1000.0, 3000.0, 2000.0, 100.0)
    mean = benchmark(file, measurement=Measurement((), (), given_))
    (point,) = trade_offs.join([evaluation(file), mean]).points
    assert (point.statistic, point.latency_ms) == ("mean", 2.0)
    assert 1.0 < point.latency_low_ms < 2.0 < point.latency_high_ms < 3.0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{"serial": "x"}, {"serial": "y"}], ["Pixel 6, x", "Pixel 6, y"]),
        (
            [{}, {"system": "Android 15"}],
            ["Pixel 6, Android 14", "Pixel 6, Android 15"],
        ),
        (
            [{"build": "b1", "kernel": "k"}, {"build": "b2", "kernel": "k"}],
            ["Pixel 6, b1", "Pixel 6, b2"],
        ),
        ([{}, {"model": "Mi 5", "serial": "x"}], ["Pixel 6", "Mi 5"]),
        ([{}, {"max_frequencies_khz": (1, 0)}], ["Pixel 6"]),
    ],
)
def test_every_device_has_a_name_of_its_own(changes, expected):
    """With no more than what tells it from those of the same model."""
    found = naming.device_names(dataclasses.replace(PHONE, **change) for change in changes)
    assert list(found.values()) == expected


def test_settings_that_differ_move_from_the_heading_to_the_labels():
    """Each point says of its device what the heading cannot."""
    file = model(name="net.tflite")
    engine = Engine("tflbench", "1", "xnnpack", "xnnpack", sha256="a" * 64)
    pinned = {"cores": (6, 7), "cores_wanted": "big"}
    base = benchmark(file, engine=engine, **pinned)
    (point,) = trade_offs.join([evaluation(file), base]).points
    assert point.device == "Pixel 6, 1 thread, cores big (6,7), tflbench 1 xnnpack"
    assert point.label == "net"

    def pair(**changes):
        points = trade_offs.join(
            [evaluation(file), base, dataclasses.replace(base, **changes)]
        ).points
        (heading,) = {point.device for point in points}
        return heading, [point.label for point in points]

    assert pair(threads=2) == ("Pixel 6, cores big (6,7), tflbench 1 xnnpack", ["net t1", "net t2"])
    assert pair(engine=dataclasses.replace(engine, delegate="gpu", requested="gpu")) == (
        "Pixel 6, 1 thread, cores big (6,7), tflbench 1",
        ["net xnnpack", "net gpu"],
    )
    assert pair(cores=(0, 1), cores_wanted="little")[1] == ["net big", "net little"]
    assert pair(cores=(), cores_wanted="")[1] == ["net big", "net not pinned"]
    assert pair(engine=dataclasses.replace(engine, name="other"))[1] == [
        "net tflbench",
        "net other",
    ]
    assert pair(engine=dataclasses.replace(engine, version="2"))[1] == [
        "net tflbench 1",
        "net tflbench 2",
    ]
    assert pair(engine=dataclasses.replace(engine, sha256="b" * 64))[1] == [
        "net aaaaaaa",
        "net bbbbbbb",
    ]
    assert pair(rules=PRESETS["mlperf"])[1] == ["net ≥50 runs median", "net mlperf p90"]


@pytest.mark.parametrize(
    ("engine", "expected", "in_chart"),
    [
        (Engine("e", "1", "gpu", "gpu", 60, 60, 1), "gpu", "gpu"),
        (Engine("e", "1", "gpu", "gpu", 60, 50, 3), "gpu 50/60", "gpu 50/60"),
        (Engine("e", "1", "none", "gpu", 60, 0), "none (gpu asked for)", "none (not gpu)"),
        (Engine("e", "1", "none", "none", 60, 0), "none", "none"),
        (Engine("e", "1", "xnnpack"), "xnnpack", "xnnpack"),
        (Engine("e", "1", "xnnpack", "", 60, 50), "xnnpack 50/60", "xnnpack"),
    ],
)
def test_a_delegate_is_called_by_what_ran(engine, expected, in_chart):
    """Never by what was asked for, and a part of the graph is told as one."""
    assert naming.delegate_name(engine) == expected
    file = model()
    other = benchmark(file, engine=Engine("e", "1", "nnapi"))
    points = trade_offs.join([evaluation(file), benchmark(file, engine=engine), other]).points
    assert points[0].label == f"net {in_chart}"


def test_device_name_without_delegate():
    """One thread is singular, and no delegate is not mentioned."""
    plain = benchmark(model(), engine=Engine("LiteRT", "2.1", "none"))
    assert naming.device_name(plain) == "Pixel 6, 1 thread, LiteRT 2.1"


def test_models_of_other_origin_are_shown_by_name():
    """A file without our description keeps its name and has no parameters."""
    file = model(name="selfie.v2.tflite")
    (point,) = trade_offs.join([evaluation(file), benchmark(file)]).points
    assert (point.family, point.label, point.parameters) == ("other models", "selfie.v2", None)
    assert point.valid


def test_a_family_of_one_width_is_called_by_its_name():
    """A network that does not tell its width keeps the name of its file."""
    ldn = dataclasses.replace(card(None, 128, title="LDN+FB"), family="ldn-fb")
    bare = card(None, 128, title="mmnet")
    names = [model("aa", "a-int8.tflite", ldn), model("bb", "b.tflite", bare)]
    assert naming.model_labels(names) == ["LDN+FB*", "b"]


def test_label_is_the_width_with_a_star_at_128():
    """As in the paper's chart; any other size than 128 and 256 is written out."""
    shown = [(card(1.0), 1), (card(0.75), 1), (card(1.4, 128), 1), (card(0.5, 192), 1)]
    assert labels(*shown) == ["1.0", "0.75", "1.4*", "0.5 at 192"]


def test_precision_is_in_the_label_only_if_it_differs():
    """One precision goes without saying."""
    assert labels((card(1.0, precision="int8"), 1), (card(0.5, precision="int8"), 1)) == [
        "1.0",
        "0.5",
    ]
    assert labels((card(1.0, 128, "int8"), 1), (card(0.5), 1)) == ["1.0* int8", "0.5 float32"]


def test_a_stock_graph_is_named_beside_a_rewritten_one():
    """Only where both are shown."""
    stock, deploy = card(), dataclasses.replace(card(), graph="deploy")
    assert labels((stock, 1), (deploy, 1)) == ["1.0 stock", "1.0"]
    assert labels((stock, 1), (card(0.5), 1)) == ["1.0", "0.5"]


def test_threads_are_in_the_label_only_if_they_differ():
    """One number of threads goes without saying."""
    assert labels((card(), 4), (card(0.5), 4)) == ["1.0", "0.5"]
    assert labels((card(), 1), (card(0.5, 128), 4)) == ["1.0 t1", "0.5* t4"]
    assert labels((card(), 1), (card(precision="int8"), 4)) == ["1.0 float32 t1", "1.0 int8 t4"]


def test_table_has_a_row_per_benchmark():
    """Metrics, size, latency with its interval, settings and broken rules, with units."""
    file, foreign = model(described=card()), model("bb", "foreign.tflite")
    broken = (
        Flag("min_runs_met", False, "too few"),
        Flag("stable", True),
        Flag("throttled", True, "hot", wanted=False),
    )
    given_ = Statistics(50, 9.0, 1000.0, 3000.0, 2000.0, 0.0)
    frame = table.frame(
        table.trade_offs(
            trade_offs.join(
                [
                    evaluation(file),
                    evaluation(foreign, 0.006),
                    benchmark(
                        file,
                        [1000.0, 3000.0, 2000.0],
                        flags=broken,
                        engine=Engine("tflbench", "2", "none", "gpu", 60, 0, 0, "c" * 64),
                        cores=(6, 7),
                        cores_wanted="big",
                        init_us=5500.0,
                        peak_memory_bytes=2**40,
                    ),
                    benchmark(
                        foreign, device=EMULATED, threads=2, measurement=Measurement((), (), given_)
                    ),
                ],
                emulated=True,
            )
        )
    )
    first, second = json.loads(frame.to_json(orient="records"))
    assert first == {
        "model": "net.tflite",
        "precision": "float32",
        "gradient_error": 0.004,
        "mad": 0.02,
        "mean_iou": 0.9,
        "size_bytes": 777,
        "latency_ms": 2.0,
        "statistic": "median",
        "latency_low_ms": 1.0,
        "latency_high_ms": 3.0,
        "latency_p90_ms": pytest.approx(2.8),
        "runs": 3,
        "init_ms": 5.5,
        "peak_memory_bytes": 2**40,
        "threads": 1,
        "cores": "6,7",
        "engine": "tflbench 2",
        "engine_sha256": "c" * 12,
        "requested_delegate": "gpu",
        "delegate": "none",
        "nodes": 60,
        "delegated_nodes": 0,
        "device": "Pixel 6",
        "serial": "1A2B",
        "emulated": False,
        "invalid": "not min runs met: too few; throttled: hot",
    }
    unknown = ("precision", "latency_p90_ms", "init_ms", "peak_memory_bytes", "nodes")
    assert [second[name] for name in unknown] == [None] * 5
    assert (second["statistic"], second["requested_delegate"]) == ("mean", "xnnpack")
    assert (second["emulated"], second["invalid"]) == (True, "")
    assert ",60,0,Pixel 6," in frame.to_csv(index=False)


def test_a_table_of_nothing_is_empty():
    """No crash where nothing was joined."""
    assert table.frame(table.trade_offs(trade_offs.Joined((), ()))).empty


def test_the_newest_evaluation_of_a_model_counts():
    """A repeated evaluation replaces the older one, whichever is read first, and is noted."""
    file = model()
    old = dataclasses.replace(evaluation(file, 0.009), created_at="2026-01-01T00:00:00+00:00")
    new = dataclasses.replace(evaluation(file, 0.004), created_at="2026-01-02T00:00:00+00:00")
    for order in ([old, new], [new, old]):
        joined = trade_offs.join([*order, benchmark(file)])
        assert joined.points[0].error == 0.004
        assert any("older evaluation" in note for note in joined.notes)


def test_a_quick_benchmark_does_not_replace_a_long_one():
    """Benchmarks under different rules are different points."""
    file = model()
    quick = dataclasses.replace(benchmark(file), rules=RunRules(min_runs=3))
    assert len(trade_offs.join([evaluation(file), benchmark(file), quick]).points) == 2


# --- On the command line -----------------------------------------------------


def test_plot_draws_emulated_results_beside_real_ones_if_asked(call, tmp_path):
    """Without the option a note names it."""
    file = model()
    for record in (evaluation(file), benchmark(file), benchmark(file, device=EMULATED)):
        store.save(record, tmp_path / "results")
    result = call("plot", "results", "-o", "a.svg")
    assert result.exit_code == 0
    assert "1 emulated result left out" in result.stderr and "--emulated" in result.stderr
    assert "Drew 1 point to a.svg" in result.stderr
    result = call("plot", "results", "-o", "b.svg", "--emulated")
    assert "left out" not in result.stderr and "Drew 2 points to b.svg" in result.stderr
    assert "under emulation" in (tmp_path / "b.svg").read_text()


# --- Estimates ---------------------------------------------------------------


def test_counts_are_estimates_in_a_panel_of_their_own():
    """A counted model with a quality is a point, marked as estimated; others are explained."""
    profile = load_profile("snapdragon-820")
    first, int8, lone = model("aa"), model("bb"), model("cc")
    known = {
        "runtime_wheel_sha256": profile.runtime_wheel_sha256,
        "engine": Engine("tflbench", "1", "xnnpack", "xnnpack"),
    }
    costs = [counted(100, model=first, **known), counted(100, model=lone, **known)]
    costs.append(counted(100, model=int8, precision="int8", **known))
    points, notes = trade_offs.estimates([*costs, evaluation(first), evaluation(int8)], profile)
    (point,) = points
    assert point.source == "estimated" and "estimated" in point.device
    assert point.latency_ms == pytest.approx(100 * profile.slope_ms_per_million)
    assert point.latency_low_ms < point.latency_ms < point.latency_high_ms
    (note,) = notes
    assert "precision float32, not int8" in note


def test_a_count_keeps_its_name_and_is_read_back(tmp_path):
    """Counted again, it replaces itself."""
    cost = counted(100)
    assert store.save(cost, tmp_path) == store.save(cost, tmp_path)
    assert store.load([tmp_path]) == [cost]
