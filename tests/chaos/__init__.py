"""Processes die and freeze at random under load, and then it is proved that nothing was lost: `python -m tests.chaos`.

The seed fixes which faults strike what, when and for how long; what else happens is up to the machine.
"""
