"""What the peers on Python share: each edit of a jobs file, and how many of them failed."""

import json
import sys


def edit_each(edit):
    """Makes all edits of the file that the command line names."""
    failed = 0
    with open(sys.argv[1], encoding="utf-8") as jobs:
        for job in json.load(jobs):
            try:
                edit(job)
            except Exception as error:  # one file that cannot be read must not end the others
                failed += 1
                print(f"{job['file']}: {type(error).__name__}", file=sys.stderr)
    print(f"failed: {failed}", file=sys.stderr)
