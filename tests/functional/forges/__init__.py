"""What every forge does alike: the same tests for all of them."""
