"""Speed of the product beside the limits of the machine it runs on: `python -m tests.bench`.

To measure one more work, add a file `w<number>_<noun>.py` here with a `WORK` (see `work.Work`).
"""
