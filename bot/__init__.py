"""buildmedic: a Slack bot that diagnoses failed builds and, with permission, treats them."""

__version__ = "0.1.0"
