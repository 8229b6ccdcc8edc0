"""Figures beside baselines of the same run; by hand, never in a test."""
