"""Imported first by what needs PyNaCl: goes on in the Python that Debian's python3-nacl belongs to."""
import os
import sys
from pathlib import Path

DEBIAN_PYTHON = "/usr/bin/python3"
try:
    import nacl  # noqa: F401
except ImportError:
    if Path(sys.executable) == Path(DEBIAN_PYTHON):
        raise
    os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])
