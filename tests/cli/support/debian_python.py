"""Debian's Python, which its packages belong to, when another one comes first in PATH."""
import importlib.util
import os
import sys
from pathlib import Path

DEBIAN_PYTHON = Path("/usr/bin/python3")


def require(module):
    """Goes on under the Python that has the module."""
    if importlib.util.find_spec(module):
        return
    if Path(sys.executable) == DEBIAN_PYTHON:
        raise ModuleNotFoundError(module)
    os.execv(DEBIAN_PYTHON, [str(DEBIAN_PYTHON), *sys.argv])
