"""Which layer and quality make text come soonest over a given link: `plan`, from measured times and an evaluation's rows."""

from rdcodec.planning.costs import CodecCosts, PartCosts, measure_codec, measure_parts
from rdcodec.planning.curves import RatePoint, read_rows
from rdcodec.planning.drawing import plot_plan
from rdcodec.planning.link import Link, parse_bandwidth, parse_seconds
from rdcodec.planning.times import Option, best_options, check_loss, plan

__all__ = [
    "CodecCosts",
    "Link",
    "Option",
    "PartCosts",
    "RatePoint",
    "best_options",
    "check_loss",
    "measure_codec",
    "measure_parts",
    "parse_bandwidth",
    "parse_seconds",
    "plan",
    "plot_plan",
    "read_rows",
]
