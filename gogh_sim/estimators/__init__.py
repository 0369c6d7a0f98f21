"""The two networks: P1 estimates throughputs of new jobs, P2 refines them from what was measured."""

from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.evaluation import ErrorRow, ErrorTable
from gogh_sim.estimators.history import History
from gogh_sim.estimators.learning import LearningSettings
from gogh_sim.estimators.settings import TrainingSettings
from gogh_sim.estimators.source import EstimatedSource
from gogh_sim.estimators.training import train
from gogh_sim.estimators.tuning import TuningSettings
from gogh_sim.estimators.weights import SHIPPED, load, save

__all__ = [
    "SHIPPED",
    "ErrorRow",
    "ErrorTable",
    "EstimatedSource",
    "Estimator",
    "History",
    "LearningSettings",
    "TrainingSettings",
    "TuningSettings",
    "load",
    "save",
    "train",
]
