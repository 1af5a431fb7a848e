"""For all tests: scenario files below this folder are data of tests, not tests."""

collect_ignore_glob = ["*.yaml"]
