"""The story of a message: view, judge, stamp, hand over; one module for each way of handing over."""

from relay.pipeline.pass_through import PassThrough
from relay.pipeline.seams import Exchange, Hops, Means, Plan, SpoolMeans
from relay.pipeline.spooled import Spooled

__all__ = ["Exchange", "Hops", "Means", "PassThrough", "Plan", "SpoolMeans", "Spooled"]
