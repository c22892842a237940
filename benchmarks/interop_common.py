"""What all comparisons with other libraries need; see interop.sh."""

import subprocess
import sys


def kindred(*arguments):
    """Runs the command and returns what it printed."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"interop: {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def check(condition, what):
    if not condition:
        sys.exit(f"interop: FAILED: {what}")
    print(f"interop: ok: {what}", flush=True)
