"""The relay beside what an administrator would pick instead, in one run on one machine: ``python -m bench.compare``."""
