"""One parser under atheris, in a process of its own, as libFuzzer never comes back: `python -m fuzzing.one NAME …`.

What escapes is written down, shortened, and passed over, so that one fault does not hide the next.
"""

import sys

import atheris

with atheris.instrument_imports(include=["forkkeeper", "tomllib"]):
    from fuzzing import crashes
    from fuzzing.parsers import BY_NAME


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough. Writes a line for each new escape."""
    name = sys.argv.pop(1)
    parser = BY_NAME[name]
    seen: set[crashes.Escape] = set()

    def one_input(data: bytes) -> None:
        found = crashes.escape(parser, data)
        if found is not None and found not in seen:
            seen.add(found)
            file = crashes.keep(parser, crashes.shortened(parser, data))
            sys.stderr.write(f"ESCAPE {found} {file}\n")

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
