"""The version of seefar, said once."""

__version__ = "0.1.0"
