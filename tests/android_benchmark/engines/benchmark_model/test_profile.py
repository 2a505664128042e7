"""The operator profile, in every layout that the tools print."""

import pytest

from android_benchmark.engines.benchmark_model import RUN_ORDER, Phase, parse
from android_benchmark.engines.benchmark_model.text.table import ProfileRow
from tests.support.benchmark_model import recorded


@pytest.mark.parametrize(
    ("name", "phases"),
    [
        ("tf2_4_cpu_profile", [Phase.INITIALIZATION, Phase.RUNS]),
        ("tf2_16_blanks_profile", [Phase.INITIALIZATION, Phase.RUNS]),
        ("tf2_16_csv_profile", [Phase.RUNS]),
        ("tf2_20_gpu_profile", [Phase.RUNS]),
        ("litert2_profile", [Phase.UNKNOWN]),
        ("litert2_wide_profile", [Phase.UNKNOWN]),
    ],
)
def test_every_layout_is_read_to_its_end(name, phases):
    """Tabs, blanks and commas; no row is malformed."""
    report = parse(recorded(name))
    assert [profile.phase for profile in report.profiles] == phases
    assert all(profile.ended and profile.rows(RUN_ORDER) for profile in report.profiles)
    assert not [doubt for doubt in report.doubts if "profile" in doubt]


def test_columns_that_tabs_part():
    """Names may hold blanks and commas; times are microseconds, memory is bytes."""
    initial, runs = parse(recorded("tf2_4_cpu_profile")).profiles
    assert initial.rows(RUN_ORDER)[0] == ProfileRow(
        "ModifyGraphWithDelegate",
        "ModifyGraphWithDelegate/0",
        start_us=0,
        first_us=413_346,
        avg_us=413_346,
        share_percent=56.67,
        cumulative_percent=56.67,
        memory_bytes=1748 * 1024,
        times_called=1,
    )
    assert runs.rows(RUN_ORDER)[1].name.startswith("[model/tf.nn.silu_16/mul, model/tf.nn.silu_26")
    assert (runs.timings.count, runs.nodes_executed, runs.nodes_observed) == (50, 11, 11)
    assert runs.rows("Summary by node type")[0].nodes == 3
    assert runs.rows("no such table") == ()


def test_columns_that_blanks_part():
    """A node type's own blanks, commas and digits end where the numbers begin."""
    _, runs = parse(recorded("tf2_16_blanks_profile")).profiles
    row = runs.rows(RUN_ORDER)[2]
    assert (row.node_type, row.times_called) == ("Convolution (NHWC, QC8) DWConv", 13)
    wide = parse(recorded("litert2_wide_profile")).profiles[0].rows(RUN_ORDER)[-1]
    assert wide.node_type.endswith("with a type that is longer than its column is wide")
    assert (wide.avg_us, wide.times_called, wide.name) == (382, 3166, "[Delegate]:1")


def test_columns_that_commas_part():
    """Commas of a node type stay; those of a name, printed as tabs, are commas again."""
    (runs,) = parse(recorded("tf2_16_csv_profile")).profiles
    first, second = runs.rows(RUN_ORDER)
    assert first.node_type == "Convolution (NHWC, QC8) IGEMM"
    assert second.name == "[model/tf.nn.silu_16/mul, model/tf.nn.silu_26/mul]:231"


def test_a_row_that_is_damaged_is_doubted_and_left_out():
    """A number that is none costs its row, not the others."""
    text = recorded("tf2_20_gpu_profile").replace("0.272", "0.2.72")
    report = parse(text)
    assert [row.node_type for row in report.profiles[0].rows(RUN_ORDER)] == ["depth_to_space 5"]
    assert any("row of the profile is malformed" in doubt for doubt in report.doubts)


def test_a_profile_without_its_end_is_told():
    """Its rows are kept, and the output lacks its end."""
    report = parse(recorded("tf2_20_gpu_profile").split("Timings")[0])
    assert not report.profiles[0].ended and len(report.profiles[0].rows(RUN_ORDER)) == 2
    assert any("the end of the operator profile" in fault for fault in report.faults)
