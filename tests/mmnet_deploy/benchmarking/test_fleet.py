"""Several devices at work: what each has to do, what is kept, and how the work is stopped."""

import contextlib
import dataclasses
import os
import signal
import threading

import pytest

from android_benchmark import RunRules, Settings
from mmnet_deploy.benchmarking import fleet, sweep
from mmnet_deploy.benchmarking.host import Host
from mmnet_deploy.benchmarking.targets import Target
from mmnet_deploy.errors import OutputError
from mmnet_deploy.results import store

QUICK = RunRules(warmup_min_runs=1, warmup_min_s=0, min_runs=2, min_duration_s=0, rest_max_s=9.0)
HOST = Target("host", Host(), pins=False)


def _jobs(model, *settings, repeats=1):
    return sweep.plan([model], settings or [Settings()], repeats=repeats)


def test_each_device_gets_the_jobs_as_it_can_run_them(tiny_models):
    """A phone pins and rests; this computer does neither."""
    jobs = _jobs(tiny_models["int8"], Settings(cores="big"))
    phone = dataclasses.replace(HOST, name="1a2b3c4d", pins=True)
    on_phone, on_host = fleet.share_out([phone, HOST], jobs, QUICK)
    assert (on_phone.jobs, on_phone.rules) == (jobs, QUICK)
    assert [job.settings.cores for job in on_host.jobs] == [""]
    assert on_host.rules.rest_max_s == 0


def test_what_is_measured_is_stored_and_not_shared_out_again(tiny_models, tmp_path):
    """The results of one work are what the next one leaves out."""
    jobs = _jobs(tiny_models["int8"], repeats=2)
    shares = fleet.share_out([HOST], jobs, QUICK)
    measured = fleet.measure(shares, tmp_path, stop=threading.Event())
    assert len(measured.results) == 2 and not measured.failures and not measured.interrupted
    stored = store.load([tmp_path])
    assert len(stored) == 2
    (left,) = fleet.share_out([HOST], jobs, QUICK, stored[:1])
    assert len(left.jobs) == 1
    (left,) = fleet.share_out([HOST], jobs, QUICK, stored)
    assert not left.jobs


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_a_profiled_result_stands_for_no_plain_one(tiny_models, tmp_path, wanted, there):
    """Nor the other way round; this computer profiles nothing, and is asked for nothing."""
    model = tiny_models["int8"]
    shares = fleet.share_out([HOST], _jobs(model), QUICK)
    (result,) = fleet.measure(shares, tmp_path, stop=threading.Event()).results
    result = dataclasses.replace(result, rules=QUICK, profiling=there)
    jobs = _jobs(model, Settings(cores="", profile=wanted))
    (share,) = fleet.share_out([dataclasses.replace(HOST, pins=True)], jobs, QUICK, [result])
    assert share.jobs == (() if wanted == there else jobs)
    (share,) = fleet.share_out([HOST], jobs, QUICK)
    assert [job.settings.profile for job in share.jobs] == [False]


def test_a_job_that_fails_ends_no_other(tiny_models, tmp_path):
    """The failure is told with its reason, and counts as a step."""
    notes, done = [], []

    @contextlib.contextmanager
    def progress(title, total):
        assert (title, total) == ("Measuring on host", 2)
        yield lambda note="", steps=1: (notes.append(note), done.append(steps))

    jobs = _jobs(tiny_models["int8"], Settings(delegate="gpu"), Settings())
    shares = fleet.share_out([HOST], jobs, QUICK)
    measured = fleet.measure(shares, tmp_path, stop=threading.Event(), progress=progress)
    assert len(measured.results) == len(measured.failures) == 1
    assert sum(done) == 2
    assert any("`delegate` must be xnnpack or none" in note for note in notes)


def test_a_result_that_cannot_be_stored_stops_all(tiny_models, tmp_path):
    """The error is raised to whoever began the work."""
    (tmp_path / "file").write_text("in the way")
    shares = fleet.share_out([HOST], _jobs(tiny_models["int8"], repeats=3), QUICK)
    stop = threading.Event()
    with pytest.raises(OutputError):
        fleet.measure(shares, tmp_path / "file", stop=stop)
    assert stop.is_set()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_interrupt_while_threads_start_closes_every_device(
    tiny_models, tmp_path, monkeypatch, after
):
    """It comes right before or after a thread begins; the devices without one are closed too."""
    closed = []

    class Closing(Host):
        def close(self):
            closed.append(self)

    def start(thread):
        monkeypatch.undo()
        if after:
            thread.start()
        raise KeyboardInterrupt

    targets = [Target(name, Closing(), pins=False) for name in ("one", "two")]
    shares = fleet.share_out(targets, _jobs(tiny_models["int8"], repeats=3), QUICK)
    stop = threading.Event()
    monkeypatch.setattr(threading.Thread, "start", start)
    measured = fleet.measure(shares, tmp_path, stop=stop)
    assert measured.interrupted and stop.is_set()
    assert sorted(map(id, closed)) == sorted(id(target.device) for target in targets)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_work_with_what_is_measured(name, tiny_models, tmp_path, taken):
    """What is done is stored, and the rest is left."""

    @contextlib.contextmanager
    def progress(title, total):
        def advance(note="", steps=1):
            if note.endswith(".tflite"):
                os.kill(os.getpid(), signal.Signals[name])
                assert stop.wait(30)

        yield advance

    stop = threading.Event()
    shares = fleet.share_out([HOST], _jobs(tiny_models["int8"], repeats=9), QUICK)
    measured = fleet.measure(shares, tmp_path, stop=stop, progress=progress)
    assert measured.interrupted
    assert len(measured.results) == len(store.load([tmp_path])) == 1


def test_a_terminal_that_is_gone_does_not_keep_devices_from_being_closed(
    tiny_models, tmp_path, taken
):
    """News that cannot be shown are lost; the devices are waited for all the same."""
    closed, stop = [], threading.Event()

    class Closing(Host):
        def close(self):
            closed.append(self)

    @contextlib.contextmanager
    def progress(title, total):
        def advance(note="", steps=1):
            if note.endswith(".tflite"):
                os.kill(os.getpid(), signal.SIGHUP)
                assert stop.wait(30)
            elif note:
                raise OSError(5, "gone")

        yield advance

    target = Target("one", Closing(), pins=False)
    shares = fleet.share_out([target], _jobs(tiny_models["int8"], repeats=9), QUICK)
    measured = fleet.measure(shares, tmp_path, stop=stop, progress=progress)
    assert measured.interrupted and closed == [target.device]
