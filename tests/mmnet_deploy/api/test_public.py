"""What `import mmnet_deploy` offers, and what it costs."""

import inspect
import json
import pkgutil
import pydoc
import subprocess
import sys

import click
import pytest

import mmnet_deploy
from mmnet_deploy import errors
from mmnet_deploy.cli import cli

HEAVY = {
    *("numpy", "cv2", "pandas", "matplotlib", "PIL", "jinja2", "msgspec", "flatbuffers"),
    *("ai_edge_litert", "tflite_runtime", "tensorflow", "keras", "h5py", "click", "rich"),
}


def loaded_by(code: str) -> set[str]:
    """The packages that a new process has imported after some code."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_the_public_names_are_these():
    """Whatever is added here is promised to users."""
    assert mmnet_deploy.__all__ == [
        "Matting",
        "__version__",
        "bench",
        "convert",
        "cost",
        "errors",
        "evaluate",
        "load_results",
        "plot",
    ]


def test_importing_the_package_loads_no_library():
    """Neither alone nor with a look at what is there."""
    assert not loaded_by("import mmnet_deploy; dir(mmnet_deploy)") & HEAVY


def test_importing_the_functions_loads_numpy_only():
    """The rest is loaded when a function is called."""
    names = ", ".join(name for name in mmnet_deploy.__all__ if name != "__version__")
    assert loaded_by(f"from mmnet_deploy import {names}") & HEAVY == {"numpy"}


def test_no_function_has_the_name_of_a_package():
    """An import of the package would put it in the function's place."""
    functions = set(mmnet_deploy.__all__) - {"__version__", "errors"}
    assert not functions & {info.name for info in pkgutil.iter_modules(mmnet_deploy.__path__)}


def test_every_name_is_found_and_explained():
    """By `dir`, by `help`, and with an example in the docstring of each function."""
    assert set(mmnet_deploy.__all__) <= set(dir(mmnet_deploy))
    text = pydoc.plain(pydoc.render_doc(mmnet_deploy))
    for name in set(mmnet_deploy.__all__) - {"__version__", "errors"}:
        value = getattr(mmnet_deploy, name)
        assert callable(value) and value.__name__ == name
        assert f"{name}(" in text
        for section in ("Args:", "Raises:", "Example:", ">>> "):
            assert section in inspect.getdoc(value), f"{name} lacks {section}"


ONLY_COMMANDS = {
    "convert": {"strict"},
    "evaluate": {"compare", "watch", "until_step", "as_json"},
    "cost": {"operators", "profile_name", "fit", "name", "as_json"},
}
"""Options that say what is printed, and work that Python programs do otherwise."""

ONLY_PYTHON = {"progress", "tell", "on_error", "on_result", "offline"}


@pytest.mark.parametrize("name", ["convert", "evaluate", "bench", "cost", "plot"])
def test_parameters_are_the_options_of_the_command(name):
    """By name and default value, so that what the guide says of one holds for the other."""
    command = cli.get_command(click.Context(cli), name)
    options = {
        one.name: one
        for one in command.params
        if isinstance(one, click.Option) and one.name not in ONLY_COMMANDS.get(name, ())
    }
    parameters = inspect.signature(getattr(mmnet_deploy, name)).parameters
    required = {one.name for one in command.params if isinstance(one, click.Argument)}
    assert set(options) - ONLY_PYTHON == set(parameters) - ONLY_PYTHON - required - {"models"}
    for option in options.values():
        default = parameters[option.name].default
        if isinstance(default, (str, int, float)) and not option.multiple:
            assert option.get_default(click.Context(command)) == default, option.name


def test_a_name_that_is_not_there_is_an_attribute_error():
    """As with any module."""
    with pytest.raises(AttributeError, match="no attribute 'matting'"):
        mmnet_deploy.matting  # noqa: B018


def test_callbacks_have_the_same_names_everywhere():
    """`progress`, `tell` and `on_error`, silent by default; paths come first."""
    for name in set(mmnet_deploy.__all__) - {"__version__", "errors"}:
        parameters = inspect.signature(getattr(mmnet_deploy, name)).parameters
        for one in parameters.values():
            if one.annotation in ("Progress", "Tell", "OnError | None"):
                expected = {"Progress": "progress", "Tell": "tell"}.get(one.annotation, "on_error")
                assert one.name == expected and one.default is not inspect.Parameter.empty
        assert "tell" in parameters


def test_every_error_of_the_package_has_one_base():
    """So that one `except` suffices."""
    found = [value for value in vars(errors).values() if inspect.isclass(value)]
    ours = [one for one in found if one.__module__ == errors.__name__]
    assert len(ours) > 10 and all(issubclass(one, errors.MmnetDeployError) for one in ours)
