"""Write the generated pages, or check them: `python -m scripts.documents [--check]`."""

from __future__ import annotations

import argparse
import sys

from scripts.documents import pages


def main() -> int:
    """Write what is stale; with `--check` only say so, and return 1."""
    parser = argparse.ArgumentParser(prog="python -m scripts.documents", description="Write the generated pages.")
    parser.add_argument("--check", action="store_true", help="say which pages are stale and change nothing")
    stale = pages.stale()
    if parser.parse_args().check:
        for path in stale:
            sys.stderr.write(f"{path} is stale; run python -m scripts.documents\n")
        return 1 if stale else 0
    for path, text in stale.items():
        (pages.CHECKOUT / path).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
