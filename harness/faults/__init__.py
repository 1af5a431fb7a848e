"""Network faults, one a file: what each does to bytes, free of I/O and clock."""
