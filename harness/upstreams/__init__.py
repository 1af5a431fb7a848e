"""What stands for an upstream, as a target file says: a stub with routes, or a real service."""
