"""Ask an account, before money is spent, whether an environment can be made in it."""
