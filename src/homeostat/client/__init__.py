"""A client of the service, and logging of predictions from somebody else's service.

It needs httpx and nothing else of what homeostat is made of, so that it can be imported where
the model is served.
"""

from homeostat.client.buffer import Buffer
from homeostat.client.calls import Client
from homeostat.client.records import Answer, BatchDrift, Drift, Health, LabelsStored
from homeostat.client.refusals import NotAllowed, TooLarge
from homeostat.client.watching import LoggedPredictions

__all__ = [
    "Answer",
    "BatchDrift",
    "Buffer",
    "Client",
    "Drift",
    "Health",
    "LabelsStored",
    "LoggedPredictions",
    "NotAllowed",
    "TooLarge",
]
