"""Empty stand-ins for the libraries that the original Baba Is AI loads to draw: `python headless.py SITE_PACKAGES`.

It draws nothing here; a text environment needs no window, and so neither pygame nor OpenCV nor Matplotlib.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

NO_TEXT = """\
FONT_HERSHEY_SIMPLEX = 0

def getTextSize(*_, **__):
    return (0, 0), 0

def putText(image, *_, **__):
    return image
"""
MODULES: Mapping[str, str] = {
    "cv2.py": NO_TEXT,
    "matplotlib/__init__.py": "def use(backend): pass\n",
    "matplotlib/pyplot.py": "",
    "pygame/__init__.py": "VIDEORESIZE = 0\n",
    "pygame/locals.py": "VIDEORESIZE = 0\n",
}


def stand_in(site: Path) -> None:
    """Writes the modules, each only where there is none."""
    for name, source in MODULES.items():
        path = site / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_text(source, encoding="utf-8")


if __name__ == "__main__":
    stand_in(Path(sys.argv[1]))
