"""Tells people who are not looking: one mail per escalation."""
