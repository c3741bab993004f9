"""weir.exe under Wine, for the tests beside this file: run it, and read what it wrote from files.

A pipe would stay open for as long as the services of Wine run, which whichever program is the first starts.
"""
import os
import subprocess
import tempfile
from pathlib import Path

WEIR = Path(os.environ['WEIR_BUILD_ROOT']) / 'clients' / 'cli' / 'weir.exe'
CONSOLE = Path(os.environ['WEIR_BUILD_ROOT']) / 'tests' / 'wine' / 'console.exe'
PATIENCE_S = 120


def windows_path(path):
    return 'Z:' + str(path).replace('/', '\\')


class Command:
    """One run. `out` and `err` are what it has written so far, as bytes."""

    words = [str(WEIR)]
    stdin = subprocess.DEVNULL

    def __init__(self, *arguments, **variables):
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        self.process = subprocess.Popen(['wine', *self.words, *arguments], env={**os.environ, **variables},
                                        stdin=self.stdin, stdout=self.files[0], stderr=self.files[1])

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


class InConsole(Command):
    """One run in a console of its own, where Ctrl-C can be pressed; nothing ever comes from its standard input."""

    words = [str(CONSOLE), windows_path(WEIR)]
    stdin = subprocess.PIPE

    def press(self):
        self.process.stdin.write(b'!')
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        return super().end()


def weir(*arguments, **variables):
    return Command(*arguments, **variables).end()
