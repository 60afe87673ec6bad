"""Run the steps of `optimize`: which tool each needs, one after another, and what each must keep."""
