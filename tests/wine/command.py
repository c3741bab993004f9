"""weir.exe under Wine, for the tests beside this file: run it, and read what it wrote from files.

A pipe would stay open for as long as the services of Wine run, which whichever program is the first starts.
"""
import os
import subprocess
import tempfile
from pathlib import Path

WEIR = Path(os.environ['WEIR_BUILD_ROOT']) / 'clients' / 'cli' / 'weir.exe'
PATIENCE_S = 120


def windows_path(path):
    return 'Z:' + str(path).replace('/', '\\')


class Command:
    """One run. `out` and `err` are what it has written so far, as bytes."""

    def __init__(self, *arguments, **variables):
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        self.process = subprocess.Popen(['wine', str(WEIR), *arguments], env={**os.environ, **variables},
                                        stdin=subprocess.DEVNULL, stdout=self.files[0], stderr=self.files[1])

    def end(self):
        """(exit code, stdout, stderr), both as text."""
        try:
            self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'hangs: {self.out}{self.err}') from None
        found = self.process.returncode, self.out.decode(), self.err.decode()
        for file in self.files:
            file.close()
        return found

    @property
    def out(self):
        return self._written(0)

    @property
    def err(self):
        return self._written(1)

    def _written(self, which):
        """Without moving the place that the process writes at."""
        descriptor = self.files[which].fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def weir(*arguments, **variables):
    return Command(*arguments, **variables).end()
