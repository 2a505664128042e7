"""Results of other tools: shown, and never taken for our own or for valid ones."""

import dataclasses

import pytest

from android_benchmark import Engine, Measurement, RunRules, Settings, Statistics
from mmnet_deploy.benchmarking import sweep
from mmnet_deploy.errors import ResultError
from mmnet_deploy.report import sections
from mmnet_deploy.results import compare, estimate, grouping, naming, record_json, table, trade_offs
from mmnet_deploy.results.latency import quoted
from mmnet_deploy.results.record_json import MOST_US
from mmnet_deploy.results.records import Import
from mmnet_deploy.results.store import StoredResults
from tests.support.results import benchmark, counted, evaluation, measured, model

SOURCE = Import("litert-benchmark JSON", "a.json", "f" * 64)
GIVEN = Measurement((), (), Statistics(50, None, 1e3, 3e3, 2e3, 100.0, 1.5e3, 1.9e3, 2.5e3, 10.0))


def elsewhere(file, **changes):
    fields = {"rules": None, "threads": 0, "measurement": GIVEN, "imported_from": SOURCE}
    return benchmark(file, **(fields | changes))


def test_what_the_file_does_not_tell_stays_unknown():
    """Threads and rules have no number that was made up."""
    result = elsewhere(model())
    assert naming.threads_name(result.threads) == "unknown threads"
    assert naming.rules_name(result.rules) == "unknown rules"
    row = table.row(result, "a.json")
    assert row["threads"] is None and row["rules"] == "unknown rules"
    assert row["imported_from"] == "litert-benchmark JSON: a.json"


def test_a_result_without_rules_is_quoted_as_the_median():
    """The interval is widened by half of what the tool rounds to."""
    exact = dataclasses.replace(GIVEN.statistics, step_us=0.0)
    latency = quoted(elsewhere(model()))
    without = quoted(elsewhere(model(), measurement=Measurement((), (), exact)))
    assert latency.statistic == "median" and latency.quoted_us == 1900
    assert latency.high_us == pytest.approx(without.high_us + 5)


def test_it_is_stored_and_read_back():
    """All of it, with the file that it is from."""
    result = elsewhere(model())
    assert record_json.from_json(record_json.to_json(result)) == result


def test_it_is_no_repetition_of_our_own():
    """Even if everything else is equal, another tool measured it."""
    own = benchmark(model())
    assert len(grouping.repeats([own, benchmark(model(), imported_from=SOURCE)])) == 2


def test_it_has_a_panel_of_its_own_in_the_chart():
    """No point of another tool takes the front from one that kept our rules."""
    file = model()
    joined = trade_offs.join([benchmark(file), elsewhere(file, threads=1), evaluation(file)])
    own, other = sorted({point.device for point in joined.points}, key=len)
    assert "measured elsewhere" in other and "measured elsewhere" not in own
    assert joined.notes == ("1 result was measured elsewhere: whether it is valid is unknown.",)


def test_compare_gives_no_verdict():
    """Its numbers are shown with the reason."""
    slower = Statistics(50, None, 5e3, 9e3, 6e3, 100.0, 5e3, 6e3, 8e3, 10.0)
    found = compare.compare(
        [elsewhere(model())], [elsewhere(model("bb"), measurement=Measurement((), (), slower))]
    )
    latency = next(row for row in found.rows if row.quantity == "latency_ms")
    assert latency.change is None and latency.reason.startswith("measured elsewhere")


def test_compare_never_matches_it_with_our_own():
    """The reason says who measured."""
    found = compare.compare([benchmark(model())], [elsewhere(model())])
    latency = next(row for row in found.rows if row.quantity == "latency_ms")
    assert "measured by mmnet-deploy → litert-benchmark JSON" in latency.reason


def test_bench_measures_what_was_only_measured_elsewhere():
    """`--resume` counts our own results only."""
    file = model("c" * 64)
    job = sweep.Job("net.tflite", file.sha256, Settings(1, "xnnpack", ""))
    own = benchmark(file)
    other = dataclasses.replace(own, imported_from=SOURCE)
    serial = own.device.serial
    missing, _ = sweep.split([job], [other], serial, lambda settings: ("", {}), own.rules)
    assert missing == (job,)
    missing, _ = sweep.split([job], [own], serial, lambda settings: ("", {}), own.rules)
    assert missing == ()


def test_a_profile_of_a_phone_is_not_made_of_it():
    """Its conditions are not known."""
    costs = [counted(millions, f"net{millions}") for millions in (50, 90, 140)]
    with pytest.raises(ResultError, match="No valid benchmark"):
        estimate.pair([*costs, *(measured(cost, 30, imported_from=SOURCE) for cost in costs)])


def test_the_report_calls_it_neither_valid_nor_readable():
    """It says where the result is from, and gives no command that would repeat it."""
    stored = StoredResults((elsewhere(model()),), (), ())
    report = sections.build(stored)
    assert ("Benchmarks", "1, 1 measured elsewhere") in report.facts
    (device,) = report.devices
    assert device.notes == ("Measured elsewhere: nothing is known of the device's state.",)
    (way,) = device.ways
    assert way.command == "" and way.imported_from == ("a.json (litert-benchmark JSON)",)


def test_an_unknown_delegate_is_called_so():
    """A bare `unknown` in a title would say nothing."""
    engine = Engine("benchmark_model", "", "unknown")
    assert naming.heading("Phone", [elsewhere(model(), engine=engine)]) == (
        "Phone, unknown threads, benchmark_model unknown delegate, measured elsewhere"
    )


def test_the_report_gives_no_limit_where_there_is_none():
    """litert-benchmark makes as many runs as it was told, however long they take."""
    rules = RunRules(5, 0.0, 50, 0.0, MOST_US / 1e6)
    results = (elsewhere(model(), rules=rules), benchmark(model()))
    (device,) = sections.build(StoredResults(results, (), ())).devices
    assert {way.limit_s for way in device.ways} == {None, 150.0}


def test_the_reason_for_no_profile_is_that_they_are_from_elsewhere():
    """Counting again would not help."""
    cost = counted(50, "net")
    with pytest.raises(ResultError, match=r"Left out: 1, as .*measured elsewhere"):
        estimate.pair([cost, measured(cost, 30, imported_from=SOURCE)])
