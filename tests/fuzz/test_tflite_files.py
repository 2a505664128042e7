"""Damaged `.tflite` files, a few of the campaign's."""

from tests.fuzz import tflite_files


def test_damaged_tflite_files_end_in_a_result_or_an_error():
    """No traceback and no death of the process, and some of the files still run."""
    outcome = tflite_files.campaign(200, seed=7)
    assert not outcome.failures
    assert outcome.cases == 200
    assert outcome.endings["refused"] and outcome.endings["inspected and run"]
