"""The reference gateway and its naive twin."""
