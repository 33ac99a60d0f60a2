"""What runs the tests, in the ways that ./waf --help lists."""
