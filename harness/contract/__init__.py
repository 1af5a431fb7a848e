"""The contract's arithmetic: what sections 1 to 5 of the contract say will happen, computed.

    predict(scenario, settings)   a Forecast: of each upstream a Prediction;
                                  all that a sound target may show: instants, answers, charges
    PROFILES                      the readings of the document, as settings of each upstream

Pure: no clock, no sockets, none of the gateway's code. `breaker` is claims B1 to B6, `wire` the way
to an upstream with all that faults do to it, `service` what answers there, `routes` which calls
each route makes, `play` one run in virtual time, `prediction` the union of many runs whose ties
fell differently, `forecast` its words.
"""

from harness.contract.forecast import Answers, Forecast, Moment, Prediction, Span
from harness.contract.prediction import predict
from harness.contract.profiles import PROFILES

__all__ = ["PROFILES", "Answers", "Forecast", "Moment", "Prediction", "Span", "predict"]
