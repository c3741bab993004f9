"""A Windows program under Wine and the native broker: by TCP and a ticket, frames in both directions. Speaks TAP."""
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402
from wine.command import PATIENCE_S, Command, weir  # noqa: E402

NATIVE = Path(os.environ['WEIR_SOURCE_ROOT']) / 'build' / 'clients' / 'cli' / 'weir'
FRAME = 1 << 20
FRAMES = 8


def free_port():
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def native_broker():
    """(run, start, ticket): the Linux command at a broker of its own, and a ticket for game/*."""
    with tempfile.TemporaryDirectory(prefix='weir-wine-') as folder:
        environment = {**os.environ, 'WEIR_BROKER': f'{folder}/bus', 'XDG_CONFIG_HOME': folder}
        broker = subprocess.Popen([NATIVE, 'broker', 'run', '--allow-tcp', str(free_port())], env=environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def start(*arguments, **streams):
            return subprocess.Popen([NATIVE, *arguments], env=environment, **{'stdin': subprocess.DEVNULL, **streams})

        def run(*arguments):
            return subprocess.run([NATIVE, *arguments], env=environment, stdin=subprocess.DEVNULL, check=False,
                                  capture_output=True, text=True, timeout=PATIENCE_S)

        try:
            deadline = time.monotonic() + PATIENCE_S
            while run('broker', 'status').returncode != 0:
                assert broker.poll() is None and time.monotonic() < deadline, 'no native broker'
                time.sleep(0.05)
            made = run('ticket', 'new', 'game/*', '--read', '--write', '--reliable', '--uses', '0')
            assert made.returncode == 0, made.stderr
            yield run, start, made.stdout.strip()
        finally:
            broker.terminate()
            assert broker.wait(PATIENCE_S) == 0


class Fed(Command):
    """One run that reads a file."""

    def __init__(self, file, *arguments):
        with open(file, 'rb') as self.stdin:
            super().__init__(*arguments)


@test
def a_publisher_under_wine_reaches_a_native_subscriber_byte_for_byte():
    with native_broker() as (_, start, ticket), tempfile.TemporaryDirectory() as folder:
        sent, received = Path(folder) / 'sent', Path(folder) / 'received'
        sent.write_bytes(os.urandom(FRAME * FRAMES))
        with open(received, 'wb') as out:
            reader = start('sub', 'game/out', '--reliable', '-o', 'raw', '-n', str(FRAMES), '-q', stdout=out)
            code, _, err = Fed(sent, 'pub', 'game/out', '--frame-size', '1M', '--wait-readers', '1', '--ticket',
                               ticket).end()
            assert code == 0, err
            assert reader.wait(PATIENCE_S) == 0
        assert received.read_bytes() == sent.read_bytes()


@test
def a_subscriber_under_wine_gets_what_is_published_natively_byte_for_byte():
    with native_broker() as (run, start, ticket), tempfile.TemporaryDirectory() as folder:
        sent = Path(folder) / 'sent'
        sent.write_bytes(os.urandom(FRAME * FRAMES))
        with open(sent, 'rb') as source:
            writer = start('pub', 'game/in', '--frame-size', '1M', '--wait-readers', '1', stdin=source)
            reader = Command('sub', 'game/in', '--reliable', '-o', 'raw', '-n', str(FRAMES), '-q', '--ticket', ticket)
            while reader.process.poll() is None and b' tcp ' not in run('who').stdout.encode():
                time.sleep(0.05)
            reader.process.wait(PATIENCE_S)
            assert reader.out == sent.read_bytes(), (len(reader.out), reader.err)
            assert reader.process.returncode == 0 and writer.wait(PATIENCE_S) == 0


@test
def without_the_ticket_or_its_right_it_is_told_so():
    with native_broker() as (run, _, ticket):
        code, _, err = weir('sub', 'other', '-n', '1', '--ticket', ticket)
        assert code == 5 and "on 'game/*', and nothing else" in err, err
        identifier = run('ticket', 'ls').stdout.splitlines()[1].split()[0]
        assert run('ticket', 'revoke', identifier).returncode == 0
        code, _, err = weir('sub', 'game/in', '-n', '1', '--ticket', ticket)
        assert code == 5 and "the ticket for 'game/*' was revoked" in err, err
        code, _, err = weir('sub', 'game/in', '-n', '1', '--ticket', ticket[:-1])
        assert code == 2 and 'mistyped or cut' in err, err


if __name__ == '__main__':
    main()
