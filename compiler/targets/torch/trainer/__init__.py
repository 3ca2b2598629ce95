"""Trains a model by the stages that its train.py declares, on one process or,
under torchrun, on many. The same for every model; written by mvc."""

from .command import main

__all__ = ["main"]
