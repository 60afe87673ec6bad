"""`python -m tests.bench`, in the environment of `slipway local run`: what `make bench` calls."""

import sys

from tests.bench.run import main

sys.exit(main())
