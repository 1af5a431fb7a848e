"""Engines build a world for a scenario and play its timeline on it."""
