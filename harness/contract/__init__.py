"""A contract's arithmetic: what it says will happen, computed.

    prediction.predict(scenario, settings)   a Forecast: of each upstream a Prediction;
                                             all that a sound target may show: instants, answers,
                                             charges

Pure: no clock, no sockets, none of the gateway's code. The contract itself is data
(`harness.contracts`). `breaker` is claims B1 to B6, `way` the one to an upstream with all that
faults do to it, `service` what answers there, `routes` a route's calls in turn, `play` one run in
virtual time, `chance` what it draws, `outcomes` what it came to, `prediction` the union of many
runs whose ties fell differently, `forecast` its words: these alone are loaded with the package,
since most who read a forecast never have one computed.
"""

from harness.contract.forecast import Answers, Forecast, Moment, Prediction

__all__ = ["Answers", "Forecast", "Moment", "Prediction"]
