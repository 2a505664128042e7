"""Latencies joined with errors: the points of the trade-off chart, and their Pareto front."""

from mmnet_deploy.results.trade_offs.estimated import estimates
from mmnet_deploy.results.trade_offs.front import dominates, front
from mmnet_deploy.results.trade_offs.joined import Joined, join
from mmnet_deploy.results.trade_offs.point import OTHER_FAMILY, TradeOff, constant_error

__all__ = (
    "OTHER_FAMILY",
    "Joined",
    "TradeOff",
    "constant_error",
    "dominates",
    "estimates",
    "front",
    "join",
)
