"""MLflow behind one small interface: the only importer of mlflow.

Every execution of a stage is one run (`stage_run`), nested under the run of its configuration.
Tracking may be lost, a stage may not: whatever goes wrong with MLflow is one warning on standard
error, every later call does nothing, and `autoencoders track` uploads what is missing.
"""

from autoencoders.tracking.dataset import DataUsed
from autoencoders.tracking.model import TrainedModel
from autoencoders.tracking.run import NullRun, StageRun, finished_runs, stage_run
from autoencoders.tracking.store import tracking_uri

__all__ = [
    "DataUsed",
    "NullRun",
    "StageRun",
    "TrainedModel",
    "finished_runs",
    "stage_run",
    "tracking_uri",
]
