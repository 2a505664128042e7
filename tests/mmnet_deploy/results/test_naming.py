"""What results are called where several are shown."""

import dataclasses

import pytest

from android_benchmark import PRESETS, Engine
from mmnet_deploy.results import naming, trade_offs
from tests.support.results import PHONE, benchmark, card, evaluation, model


def labels(*shown):
    """Labels of the chart's points for pairs of a description and its threads."""
    results = []
    for index, (described, threads) in enumerate(shown):
        file = model(f"sha{index}", described=described)
        results += [evaluation(file), benchmark(file, threads=threads)]
    return [point.label for point in trade_offs.join(results).points]


def test_two_files_of_one_operating_point_have_labels_of_their_own():
    """By the names of the files, and by their hashes where these are the same too."""

    def found(*files):
        results = [kind(file) for file in files for kind in (evaluation, benchmark)]
        return [point.label for point in trade_offs.join(results).points]

    one, other = model("1" * 64, "a.tflite", card()), model("2" * 64, "b.tflite", card())
    assert found(one, model("3" * 64, "c.tflite", card(0.5))) == ["1.0", "0.5"]
    assert found(one, other) == ["1.0 a", "1.0 b"]
    assert naming.model_labels([one, other]) == ["1.0 a", "1.0 b"]
    assert naming.model_labels([one, one]) == ["1.0", "1.0"]
    family = dataclasses.replace(other, card=card(title="Mobile DeepLabv3"))
    assert naming.model_labels([one, family]) == ["1.0", "1.0"]
    again = model("2" * 64, "a.tflite", card())
    assert found(one, again) == ["1.0 a (11111111)", "1.0 a (22222222)"]


# --- Devices and settings ----------------------------------------------------


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
    assert pair(engine=dataclasses.replace(engine, version="2")) == (
        "Pixel 6, 1 thread, cores big (6,7), tflbench xnnpack",
        ["net 1", "net 2"],
    )
    assert pair(engine=dataclasses.replace(engine, sha256="b" * 64))[1] == [
        "net aaaaaaa",
        "net bbbbbbb",
    ]
    assert pair(rules=PRESETS["mlperf"])[1] == ["net ≥50 runs median", "net mlperf p90"]


def _arithmetic(*shown):
    """Labels for files, precisions, devices and what each computed in there."""
    found = []
    for sha, precision, device, computes_in in shown:
        file = model(sha, described=card(precision=precision))
        found += [evaluation(file), benchmark(file, device=device, computes_in=computes_in)]
    return [point.label for point in trade_offs.join(found).points]


OLD = dataclasses.replace(PHONE, serial="old")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        # One file on two phones.
        (
            [("h", "float16", PHONE, "float16"), ("h", "float16", OLD, "float32")],
            ["1.0 in float16", "1.0 in float32"],
        ),
        # Two files of one precision on one phone.
        (
            [("a", "float32", PHONE, "float32"), ("b", "float32", PHONE, "float16")],
            ["1.0 in float32", "1.0 in float16"],
        ),
        # Beside others, whose precision says it all.
        (
            [
                ("h", "float16", PHONE, "float16"),
                ("w", "float32", PHONE, "float32"),
                ("h", "float16", OLD, "float32"),
            ],
            ["1.0 float16 in float16", "1.0 float32", "1.0 float16 in float32"],
        ),
        # What is not known is not said, and tells nothing apart.
        ([("h", "float16", PHONE, ""), ("h", "float16", OLD, "float32")], ["1.0", "1.0"]),
        ([("h", "float16", PHONE, "float32"), ("h", "float16", OLD, "float32")], ["1.0", "1.0"]),
    ],
)
def test_what_a_file_computed_in_is_in_the_label_where_it_differs(shown, expected):
    """Between the devices of a chart, or between files of one precision."""
    assert _arithmetic(*shown) == expected


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


# --- Models ------------------------------------------------------------------


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


def test_what_is_unknown_of_a_twin_is_said():
    """`unknown` alone would not tell what."""
    twins = [dataclasses.replace(PHONE, processor=processor) for processor in ("G4", "")]
    names = list(naming.device_names(twins).values())
    assert names[0].endswith(", G4") and names[1].endswith(", unknown processor")
