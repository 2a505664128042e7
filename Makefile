# make demo   the whole pipeline on synthetic portraits and this computer; with PICTURE=me.jpg,
#             your photograph is matted as well
# make test   linter, type checker, import contracts, tests, also of the installs without TensorFlow

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Each takes up to 2.5 GB of memory.
TEST_PROCESSES ?= 2

.PHONY: demo picture test lint clean

# From the environment of the recipe, so that a name may hold spaces and quotation marks.
export PICTURE

demo: picture $(VENV)/demo.stamp
	@$(BIN)/mmnet-deploy demo -o mmnet-demo $${PICTURE:+--picture "$$PICTURE"}

# Before the installation, which takes minutes.
picture:
	@test -z "$$PICTURE" || test -f "$$PICTURE" || { \
		echo "PICTURE must be the file of a photograph. There is no file $$PICTURE." >&2; exit 2; }

test: $(VENV)/test.stamp lint
	$(BIN)/python tools/installs.py build/installs
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder --durations=10

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/demo.stamp: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[convert]'
	touch $@

$(VENV)/test.stamp: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[convert,test]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

clean:
	rm -rf $(VENV) mmnet-demo build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
