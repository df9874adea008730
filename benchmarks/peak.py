"""Run a command and say how much memory it took: `python peak.py FILE COMMAND…` writes the peak in KiB to FILE.

A process of its own, as the kernel counts what a child has before it starts another program: from here that is little.
"""

import resource
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    code = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, check=False).returncode
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the largest process below, in KiB on Linux
    Path(sys.argv[1]).write_text(str(peak // 1024 if sys.platform == "darwin" else peak))
    sys.exit(code)
