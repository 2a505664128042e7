"""Which TFLite runtime is used, and reading the format without one that has its classes."""

import numpy as np
import pytest
import tflite

from mmnet_deploy.errors import MissingDependencyError, UsageError
from mmnet_deploy.tflite.runtime import VARIABLE, choice, objects, schema


@pytest.fixture
def found(monkeypatch):
    """What is found with a value of `MMNET_RUNTIME`: its module's name, and its own."""

    def find(name):
        monkeypatch.setenv(VARIABLE, name)
        module, title = choice._found.__wrapped__()
        return module.__name__, title.split()[0]

    return find


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """Make the first runtime one that is installed but does not start, as of another numpy."""
    (tmp_path / "foreign_runtime").mkdir()
    (tmp_path / "foreign_runtime" / "__init__.py").touch()
    code = "import sys\nprint('a page of words', file=sys.stderr)\nraise SystemError('foreign')\n"
    (tmp_path / "foreign_runtime" / "interpreter.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    foreign = choice._Runtime("foreign", "foreign_runtime.interpreter", "pip install foreign")
    monkeypatch.setitem(choice._RUNTIMES, "litert", foreign)


def test_the_first_that_is_installed_is_taken_or_the_chosen_one(found):
    """Without a choice it is ai-edge-litert."""
    assert found("") == found("litert") == ("ai_edge_litert.interpreter", "ai-edge-litert")
    assert found("tensorflow") == ("tensorflow.lite.python.interpreter", "tensorflow")


def test_a_choice_that_cannot_be_is_one_line(found, monkeypatch):
    """An unknown name, one that is not installed, one that needs another numpy."""
    with pytest.raises(UsageError, match="must be litert, tflite-runtime, tensorflow or empty"):
        found("onnx")
    absent = choice._Runtime("absent", "absent_runtime.interpreter", "pip install absent", 1)
    monkeypatch.setitem(choice._RUNTIMES, "tflite-runtime", absent)
    with pytest.raises(MissingDependencyError, match="asks for absent, which is not installed"):
        found("tflite-runtime")
    older = choice._Runtime("older", "numpy", "", int(np.__version__.split(".")[0]) - 1)
    monkeypatch.setitem(choice._RUNTIMES, "tflite-runtime", older)
    with pytest.raises(MissingDependencyError, match=r"older needs numpy .* is installed: pip"):
        found("tflite-runtime")


def test_a_runtime_that_does_not_start_is_passed_over(found, broken, capfd):
    """What it prints of it is kept back, and if no other is there its reason is the error."""
    assert found("") != ("foreign_runtime.interpreter", "foreign")
    with pytest.raises(MissingDependencyError, match=r"foreign is installed .*SystemError: foreig"):
        found("litert")
    assert "a page of words" not in capfd.readouterr().err


def test_without_any_the_line_says_what_to_install(found, monkeypatch):
    """The first of those that could be."""
    for name in list(choice._RUNTIMES):
        absent = choice._Runtime("absent", "absent_runtime.interpreter", f"pip install {name}")
        monkeypatch.setitem(choice._RUNTIMES, name, absent)
    with pytest.raises(MissingDependencyError, match="Install one: pip install litert"):
        found("")


def _differences(ours, theirs, place="model"):
    """Where two trees of tables differ in a field that both versions of the format have."""
    if hasattr(theirs, "__dict__"):
        for name, value in vars(theirs).items():
            # Known to newer versions only, and the older number of an operator, which ours maps.
            if hasattr(ours, name) and name != "builtinCode":
                yield from _differences(getattr(ours, name), value, f"{place}.{name}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), place
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(*pair, f"{place}[{number}]")
    elif not np.array_equal(ours, theirs):
        yield place, ours, theirs


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_reading_classes_give_the_same_tables(tiny_models, precision):
    """Those of the package `tflite`, which cannot unpack a file by themselves."""
    content = tiny_models[precision].read_bytes()
    ours = objects.Reading(tflite).ModelT.InitFromPackedBuf(content)
    theirs = schema().ModelT.InitFromPackedBuf(content)
    assert vars(ours).keys() >= {"subgraphs", "buffers", "operatorCodes", "signatureDefs"}
    assert any(op.builtinOptions is not None for op in ours.subgraphs[0].operators)
    assert list(_differences(ours, theirs)) == []
    wanted = vars(theirs.subgraphs[0].operators[0]).keys()
    assert vars(ours.subgraphs[0].operators[0]).keys() >= wanted - {"debugMetadataIndex"}


def test_reading_classes_say_that_they_do_not_write(monkeypatch):
    """One line with what does."""
    reading = objects.Reading(tflite)
    assert reading.BuiltinOperator.CONV_2D == schema().BuiltinOperator.CONV_2D
    with pytest.raises(MissingDependencyError, match="Writing TFLite files needs ai-edge-litert"):
        _ = reading.TensorT
    with pytest.raises(AttributeError):
        _ = reading.Nothing
