"""`python -m harness` is `outage`."""

from harness.cli import main

if __name__ == "__main__":
    main()
