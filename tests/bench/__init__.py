"""The benchmark: what drain costs and how long it takes."""
