"""Results of other tools: which files are read, what they say, and how they are stored.

`recognition` finds by content what a file is; a module for each kind reads it as a `ForeignRun`;
`importing` makes results of these.
"""

from mmnet_deploy.results.imported.importing import (
    FoundRun,
    Given,
    Stored,
    benchmark,
    find,
    save,
)
from mmnet_deploy.results.imported.model_choice import GivenModel, given_models

__all__ = (
    "FoundRun",
    "Given",
    "GivenModel",
    "Stored",
    "benchmark",
    "find",
    "given_models",
    "save",
)
