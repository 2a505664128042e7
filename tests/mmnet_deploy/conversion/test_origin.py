"""Origin: whose a converted file is, under which licence, and what its weights were made of."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from mmnet_deploy.conversion import Options, targets
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import UsageError
from mmnet_deploy.networks import network
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite import app_metadata


def test_author_and_licence_are_the_users_or_those_of_a_bundled_network(monkeypatch, tiny_run):
    """What the user says comes first; a network of his own has none unless he says them."""
    loaded = network.load(tiny_run)
    assert targets.origin_of(loaded, Options(license="MIT")) == {"author": "", "license": "MIT"}
    source = pretrained.Source("portraits", "its pictures", "MIT", "Ann 2020")
    monkeypatch.setattr(pretrained, "_FOLDER", tiny_run.parent)
    monkeypatch.setattr(pretrained, "sources", lambda path: (source,))
    own = {"author": "mmnet-deploy", "license": "Apache-2.0 AND MIT"}
    assert targets.origin_of(loaded, Options()) == own
    assert targets.origin_of(loaded, Options(author="Ann")) == own | {"author": "Ann"}


def test_a_file_names_what_a_bundled_network_was_made_of(monkeypatch, tmp_path, tiny_run):
    """So does the file of a run that began with one, and apps are told."""
    source = pretrained.Source("portraits", "its pictures", "MIT", "Ann 2020")
    monkeypatch.setattr(pretrained, "_FOLDER", tiny_run.parent)
    monkeypatch.setattr(pretrained, "sources", lambda path: (source,))
    loaded = network.load(tiny_run)
    card = targets.card_of(loaded, "float32", Options())
    assert card.sources == "portraits (MIT; its pictures; Ann 2020)"
    assert card.sources in app_metadata.of_card(card).description
    began = dataclasses.replace(loaded.config, initial_weights=str(tiny_run))
    copied = Path(shutil.copy(loaded.path, tmp_path / "best.keras"))
    trained = dataclasses.replace(loaded, path=copied, config=began)
    assert targets.card_of(trained, "float32", Options()).sources == card.sources
    assert targets.origin_of(trained, Options())["license"] == "Apache-2.0 AND MIT"
    between = Run(tmp_path / "between")
    between.folder.mkdir()
    between.write_config(began)
    later = dataclasses.replace(began, initial_weights=str(between.folder))
    trained = dataclasses.replace(trained, config=later)
    assert targets.card_of(trained, "float32", Options()).sources == card.sources
    between.write_config(dataclasses.replace(began, initial_weights=str(between.folder)))
    assert targets.card_of(trained, "float32", Options()).sources == ""


def test_the_licence_of_a_published_network_is_kept(monkeypatch, tiny_run):
    """In what is made of it, unless the user says another."""
    loaded = network.load(tiny_run)
    one = dataclasses.replace(published.NETWORKS[0], sha256=loaded.sha256, licence="BSD-3-Clause")
    monkeypatch.setattr(published, "NETWORKS", (one,))
    assert targets.origin_of(loaded, Options()) == {"author": "", "license": "BSD-3-Clause"}
    assert targets.origin_of(loaded, Options(license="MIT"))["license"] == "MIT"
    began = dataclasses.replace(loaded.config, imported_sha256=loaded.sha256)
    trained = dataclasses.replace(loaded, path=tiny_run / "last.keras", config=began)
    assert targets.origin_of(trained, Options())["license"] == "BSD-3-Clause"


def test_author_and_licence_of_a_tflite_file_are_kept(tmp_path, tiny_models, tiny_run):
    """What its metadata says goes into what is made of it; the user's word comes first."""
    said = app_metadata.Metadata(author="Ann", license="MIT")
    path = tmp_path / "told.tflite"
    path.write_bytes(app_metadata.with_app_metadata(tiny_models["float32"].read_bytes(), said))
    told = dataclasses.replace(network.load(tiny_run), path=path)
    assert targets.origin_of(told, Options()) == {"author": "Ann", "license": "MIT"}
    assert targets.origin_of(told, Options(license="BSD"))["license"] == "BSD"


@pytest.mark.parametrize("field", ["author", "license"])
@pytest.mark.parametrize("text", ["", " ", "two\nlines", "x" * 201])
def test_author_and_licence_are_one_line(field, text):
    """Whole licences, control characters and nothing are refused before any work."""
    with pytest.raises(UsageError, match=f"`{field}` must be one line"):
        Options(**{field: text}).check(("float32",))
