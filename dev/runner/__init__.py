"""The one-command runner: all the product needs on one machine, started and ended."""
