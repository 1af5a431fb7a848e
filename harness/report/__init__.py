"""A judgement, drawn for people and programs."""
