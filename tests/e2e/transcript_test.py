#!/usr/bin/python3
"""Transcripts of the command: each file of transcripts/ is one test, played in a directory with a bus of its own.

        # a sentence for the reader
        $ command          run by sh, in the directory; what it prints on either stream follows, line by line
        output             <n> stands for a number, <*> for any text inside a line
        [exit 3]           the exit code, when it is not 0
        & NAME: command    starts it beside the others
        ! NAME INT         sends it a signal
        = NAME             waits for its end; its output and its exit code follow

WEIR_BROKER names a socket in the directory; nothing listens there until the transcript starts a broker. What is left
running at the end is ended; a transcript that hangs fails after a minute.

Most of a transcript's time is waiting, for the end of an interval or a deadline: several are played at a time.
"""
import concurrent.futures
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, tests  # noqa: E402

ROOT = pathlib.Path(os.environ['WEIR_SOURCE_ROOT'])
BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
TIMEOUT = 60
AT_A_TIME = 8


def pattern(expected):
    """The expected lines as one regular expression."""
    text = re.escape(expected)
    text = text.replace(re.escape('<n>'), r'-?[0-9]+(\.[0-9]+)?')
    return text.replace(re.escape('<*>'), r'[^\n]*')


def steps(text):
    """(kind, what, [expected lines], exit code) of every step."""
    found = []
    for line in text.splitlines():
        if line[:2] in ('$ ', '& ', '! ', '= '):
            found.append([line[0], line[2:], [], 0])
        elif found and re.fullmatch(r'\[exit \d+\]', line):
            found[-1][3] = int(line[6:-1])
        elif found and not line.startswith('# '):
            found[-1][2].append(line)
    return found


def compare(step, output, code):
    kind, what, expected, expected_code = step
    while expected and not expected[-1]:
        expected.pop()  # an empty line before the next step is for the eye
    want = ''.join(line + '\n' for line in expected)
    assert re.fullmatch(pattern(want), output), f'{kind} {what}\nexpected:\n{want}\nprinted (exit {code}):\n{output}'
    assert code == expected_code, f'{kind} {what}: exit {code}, not {expected_code}\n{output}'


class Stage:
    """The directory of one transcript and what runs in it."""

    def __init__(self, directory):
        self.directory = directory
        self.running = {}
        self.environment = {'PATH': f"{BUILD / 'clients' / 'cli'}:/usr/sbin:/usr/bin:/sbin:/bin", 'HOME': directory,
                            'WEIR_BROKER': f'{directory}/bus.d/bus', 'XDG_CONFIG_HOME': f'{directory}/config',
                            'XDG_RUNTIME_DIR': directory, 'LC_ALL': 'C.UTF-8'}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS'):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def start(self, command):
        return subprocess.Popen(['/bin/sh', '-c', command], cwd=self.directory, env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    @staticmethod
    def finish(process):
        """(what it printed, exit code)"""
        try:
            output, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise AssertionError(f"hangs; so far it printed:\n{output.decode(errors='replace')}") from None
        code = process.returncode
        return output.decode(errors='replace'), code if code >= 0 else 128 - code  # as a shell has it

    def play(self, step):
        kind, what = step[:2]
        if kind == '$':
            compare(step, *self.finish(self.start(what)))
        elif kind == '&':
            name, command = what.split(': ', 1)
            self.running[name] = self.start('exec ' + command)
        elif kind == '!':
            name, number = what.split()
            self.running[name].send_signal(getattr(signal, 'SIG' + number))
        else:
            compare(step, *self.finish(self.running.pop(what)))

    def close(self):
        for process in self.running.values():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.communicate()


def play(path):
    with tempfile.TemporaryDirectory(prefix='weir-e2e-') as directory:
        os.mkdir(f'{directory}/bus.d', 0o700)
        stage = Stage(directory)
        try:
            for step in steps(path.read_text(encoding='utf-8')):
                stage.play(step)
        finally:
            stage.close()


TRANSCRIPTS = sorted((ROOT / 'tests' / 'e2e' / 'transcripts').glob('*.txt'))


@functools.cache
def plays():
    """What becomes of each transcript. The first call begins them all."""
    stages = concurrent.futures.ThreadPoolExecutor(AT_A_TIME)
    return {path: stages.submit(play, path) for path in TRANSCRIPTS}


def transcript(path):
    def run():
        plays()[path].result()
    run.__name__ = path.stem
    return run


if __name__ == '__main__':
    tests.extend(map(transcript, TRANSCRIPTS))
    main()
