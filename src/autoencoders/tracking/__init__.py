"""Tracking with MLflow. Only this package imports mlflow.

Every execution of a stage is one run (`stage_run`), nested under the run of its configuration. An
error of MLflow never stops a stage: it becomes one warning, all later calls do nothing, and
`autoencoders track` uploads the missing results later. The same is true for a study (`study_run`),
without a later upload.
"""

from autoencoders.tracking.dataset import DataUsed
from autoencoders.tracking.model import TrainedModel
from autoencoders.tracking.run import NullRun, StageRun, finished_runs, stage_run

__all__ = ["DataUsed", "NullRun", "StageRun", "TrainedModel", "finished_runs", "stage_run"]
