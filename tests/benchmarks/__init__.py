"""What npkeras costs, beside what a user would pick instead: see docs/speed.md.

    python -m tests.benchmarks              # all workloads, all engines that are installed
    python -m tests.benchmarks mnist --engines npkeras,keras-tensorflow
    python -m tests.benchmarks --quick      # what became slower against the stored ratios

This process (`measure.py`) starts one process per engine and workload (`child.py`) and gives them
the turn one after another. A child measures a model of `workloads.py` through a learner of its
engine (`learners.py`), or one of the other things of `others.py`, some of them on models of Keras
(`architectures.py`); `report.py` makes the tables.
"""
