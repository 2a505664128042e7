"""Profiles of phones: what an instruction costs there, and their TOML files."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from mmnet_deploy import typed
from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.files import read_regular, reason, write_text
from mmnet_deploy.files.toml import MOST_BYTES, TomlError, cut_off, from_toml, shown

PROFILES = Path(__file__).parents[1] / "profiles"
DEFAULT = "snapdragon-820"
FORMAT = 1
"""Version of profile files: 1, the first."""


@dataclasses.dataclass(frozen=True)
class LatencyProfile:
    """What instructions cost on a phone, fitted to models of one kind.

    Attributes:
        name: The phone's, as it stands beside an estimate.
        source: Where the fitted latencies are from.
        precision: Of the models that it was fitted on, as `arithmetic.named` says it.
        delegate: What ran them.
        cpu, identity, runtime, runtime_wheel_sha256: How their instructions were counted.
        slope_ms_per_million: Milliseconds per million instructions.
        interval_factor: An estimate's interval is from latency ÷ factor to latency · factor.
        least_instructions, most_instructions: The fitted range.
        points: Number of models.
        left_out_mean, left_out_worst: Relative errors of predicting each from the others.
    """

    name: str
    source: str
    precision: str
    delegate: str
    cpu: str
    identity: str
    runtime: str
    runtime_wheel_sha256: str
    slope_ms_per_million: float
    interval_factor: float
    least_instructions: int
    most_instructions: int
    points: int
    left_out_mean: float
    left_out_worst: float


def load_profile(name: str | Path) -> LatencyProfile:
    """A bundled profile, by its name, or one in a file.

    Raises:
        UsageError: There is none.
        ResultError: A field is missing, of another type, or makes no sense.
    """
    path = Path(name)
    if (PROFILES / f"{name}.toml").is_file():
        path = PROFILES / f"{name}.toml"
    try:
        values = from_toml(read_regular(path, MOST_BYTES))
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in PROFILES.glob("*.toml")))
        raise UsageError(
            f"`--profile` must be one of {known}, or a file. Received: {name} ({reason(error)})."
        ) from error
    except TomlError as error:
        where = f" (line {error.line})" if error.line else ""
        raise ResultError(f"{path} is no TOML file: {error}{where}.") from error
    return _profile(path, values)


def _profile(path: Path, values: dict[str, Any]) -> LatencyProfile:
    given = values.get("format", "nothing")
    # `true` and 1.0 are equal to 1.
    if type(given) is not int or given != FORMAT:
        raise ResultError(f"{path}: `format` must be {FORMAT}. Received: {_received(given)}.")
    try:
        profile = typed.from_values(values, LatencyProfile)
    except ValueError as error:
        raise ResultError(f"{path} is no profile: {error}.") from error
    _check(path, "slope_ms_per_million", profile.slope_ms_per_million, above=0)
    _check(path, "interval_factor", profile.interval_factor, above=1)
    _check(path, "least_instructions", profile.least_instructions, above=0)
    least = profile.least_instructions
    _check(path, "most_instructions", profile.most_instructions, above=least - 1)
    return profile


def _received(given: Any) -> str:
    return cut_off(given) if isinstance(given, str) else shown(given)


def _check(path: Path, field: str, value: float, above: float) -> None:
    if not above < value < math.inf:
        raise ResultError(f"{path}: `{field}` must be above {above:g}. Received: {value:g}.")


def save_profile(profile: LatencyProfile, path: Path) -> Path:
    """Write a profile as TOML.

    Raises:
        OutputError: The folder cannot be written.
    """
    lines = [f"format = {FORMAT}"]
    for field, value in dataclasses.asdict(profile).items():
        lines.append(f"{field} = {_toml(value)}")
    return write_text(path, "\n".join(lines) + "\n")


def _toml(value: str | float) -> str:
    if not isinstance(value, str):
        return repr(value)
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    # TOML cannot express the half of a pair, which stands for a byte that is no text.
    return "\ufffd" if "\ud800" <= character <= "\udfff" else f"\\U{ord(character):08x}"
