"""What the pytest plugin needs of the harness, imported when a scenario is collected or played."""
