"""`python -m autoencoders`: the command line."""

import sys

from autoencoders.cli import main

sys.exit(main())
