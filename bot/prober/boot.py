"""Runs on the far side: takes the zip and the request from stdin, length before each, and imports from memory.

Sent as text and executed by a one-line `python3 -c`, so nothing is written there and nothing has to be installed.
"""

# ruff: noqa: ANN001, ANN202, ANN204 -- an old Python has to read this far enough to be told that it is too old

import sys


def _frame(read):  # type: ignore[no-untyped-def]  # runs before the version is known to have typing
    size = int(read(10))
    data = read(size)
    if len(data) != size:
        raise SystemExit("buildmedic: the input ends early")
    return data


class _Memory:
    """Finder and loader of the modules in the zip."""

    def __init__(self, package, data):  # type: ignore[no-untyped-def]
        import io
        import zipfile
        from importlib.machinery import ModuleSpec  # here: an import inside find_spec would call find_spec

        self.spec = ModuleSpec

        self.package = package
        self.sources = {}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                if name.startswith(package + "/") and name.endswith(".py"):
                    self.sources[name[len(package) + 1 : -3]] = archive.read(name)

    def names(self):  # type: ignore[no-untyped-def]
        return list(self.sources)

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        short = "__init__" if name == self.package else name[len(self.package) + 1 :]
        if name.split(".")[0] != self.package or short not in self.sources:
            return None
        return self.spec(name, self, origin="buildmedic:" + short, is_package=name == self.package)  # type: ignore[arg-type]  # duck-typed

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        return None

    def exec_module(self, module):  # type: ignore[no-untyped-def]
        spec = module.__spec__
        short = "__init__" if spec.name == self.package else spec.name[len(self.package) + 1 :]
        exec(compile(self.sources[short], spec.origin, "exec", dont_inherit=True), module.__dict__)


def _main():  # type: ignore[no-untyped-def]
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    data, request = _frame(stdin.read), _frame(stdin.read)  # type: ignore[no-untyped-call]
    if sys.version_info < (3, 8):
        found = ".".join(str(part) for part in sys.version_info[:3])
        text = '{"schema": "buildmedic.probe/1", "error": "python3 here is %s, and 3.8 or later is needed"}\n' % found
        stdout.write(text.encode("ascii"))
        stdout.flush()
        return
    sys.meta_path.insert(0, _Memory("buildmedic_prober", data))  # type: ignore[no-untyped-call]
    from buildmedic_prober.__main__ import answer  # type: ignore[import-not-found]

    answer(request)


if __name__ == "__main__":
    _main()  # type: ignore[no-untyped-call]
