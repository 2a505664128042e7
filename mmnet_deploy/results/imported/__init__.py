"""Results of other tools: which files are read, what they say, and how they are stored.

`recognition` finds by content what a file is; a module for each kind reads it as a `ForeignRun`;
`finding` takes each run once; `importing` makes results of them.
"""

from mmnet_deploy.results.imported.finding import FoundRun, find
from mmnet_deploy.results.imported.importing import Given, Stored, benchmark, save
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
