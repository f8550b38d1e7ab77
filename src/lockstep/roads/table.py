"""All roads, by the names that ``--as`` takes."""

from collections.abc import Mapping

from lockstep.roads import ack, argocd, argocd_job, flux
from lockstep.roads.base import Road

__all__ = ["ROADS"]

ROADS: Mapping[str, Road] = {road.name: road for road in (ack.ROAD, flux.ROAD, argocd_job.ROAD, argocd.ROAD)}
"""A road is a file beside this one and a member here."""
