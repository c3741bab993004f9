"""The command on Windows, where it is another one than on Linux: its streams, its pipes, its names. Speaks TAP."""
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402
from wine.command import PATIENCE_S, Command, InConsole, weir, windows_path  # noqa: E402

ADDRESS = rf'\\.\pipe\weir-command-test-{os.getpid()}'


def wait_until(holds, command):
    """Until it holds, while the command runs."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert command.process.poll() is None and time.monotonic() < deadline, (command.out, command.err)
        time.sleep(0.05)


@contextlib.contextmanager
def running_broker():
    """Ends it in any case, and looks how it ended where all went well."""
    broker = Command('broker', 'run', '--address', ADDRESS)
    try:
        wait_until(lambda: b'the broker listens at' in broker.err, broker)
        yield broker
    except BaseException:
        broker.process.kill()
        broker.end()
        raise
    stopped = weir('broker', 'stop', '-b', ADDRESS)
    code, out, err = broker.end()
    assert stopped == (0, '', '') and code == 0 and out == '', (stopped, code, out, err)
    assert f'the broker listens at {ADDRESS}\n' in err and 'stopped by weir broker' in err, err


@test
def the_version_is_told_in_words_and_as_json():
    code, out, err = weir('version')
    assert code == 0 and out.startswith('weir ') and out.endswith('\n') and '\r' not in out and not err, (out, err)
    assert sorted(json.loads(weir('version', '--json')[1])) == ['command', 'library']


@test
def help_and_mistakes_are_told_as_on_linux():
    code, out, err = weir('help')
    assert code == 0 and not err and '\r' not in out, err
    for verb in ('broker', 'pub', 'sub', 'bench', 'demo', 'access', 'id'):
        assert f'\n  {verb} ' in out, out
    assert r'\\.\pipe\weir-' in out, 'help does not say where the broker is looked for'
    assert weir('demo')[::2] == (2, 'weir demo: --video FILE is missing. Try: weir demo --help\n')


@test
def without_a_broker_it_exits_3_and_says_where_it_looked():
    code, out, err = weir('ls', '-b', ADDRESS)
    assert code == 3 and not out and ADDRESS in err and 'weir broker run' in err, (code, out, err)


@test
def the_broker_tells_how_it_is_and_stops_when_told():
    with running_broker():
        code, out, err = weir('broker', 'status', '-b', ADDRESS)
        assert code == 0 and not err, err
        assert f'address        {ADDRESS}\n' in out and 'topics         0\n' in out, out
    assert weir('broker', 'status', '-b', ADDRESS)[0] == 3


@test
def what_is_published_arrives_byte_for_byte():
    lines = 'hello\nwörld \x1a \r\nend\n'.encode()  # to a text stream of Windows the third word would be the end
    with running_broker(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'zwei Wörter.txt'
        path.write_bytes(lines)
        reader = Command('sub', 'größe', '-o', 'raw', '-n', '1', '-b', ADDRESS)
        writer = Command('pub', 'größe', windows_path(path), '--wait-readers', '1', '-b', ADDRESS)
        assert writer.end() == (0, '', '')
        reader.process.wait(timeout=PATIENCE_S)
        out = reader.out
        code, _, err = reader.end()
        assert code == 0 and not err and out == lines, (code, out, err)


@test
def topics_are_listed_as_json():
    with running_broker():
        readers = [Command('sub', 'a/b', '-b', ADDRESS, '-n', '1')]
        writer = Command('pub', 'a/b', windows_path(__file__), '--wait-readers', '2', '-b', ADDRESS)
        deadline = time.monotonic() + PATIENCE_S
        topics = []
        while not (topics and topics[0]['publishers'] == 1 and topics[0]['subscribers'] == 1):
            assert time.monotonic() < deadline, topics
            topics = json.loads(weir('ls', '--json', '-b', ADDRESS)[1])
        assert [topic['topic'] for topic in topics] == ['a/b'], topics
        readers.append(Command('sub', 'a/b', '-b', ADDRESS, '-n', '1'))
        for command in (writer, *readers):
            code, _, err = command.end()
            assert code == 0, err


def has_endpoints(count):
    return len(json.loads(weir('ls', '-l', '--json', '-b', ADDRESS)[1])) == count


@test
def ctrl_c_ends_what_waits_for_frames_for_input_and_for_readers():
    with running_broker():
        for arguments in (('sub', 'a'), ('pub', 'a', '--lines'), ('pub', 'a', '--wait-readers', '1')):
            command = InConsole(*arguments, '-b', ADDRESS)
            wait_until(lambda: has_endpoints(1), command)
            command.press()
            assert command.end() == (130, '', ''), arguments
            assert has_endpoints(0), f'{arguments} left without a goodbye'


@test
def ctrl_c_ends_a_measurement_with_its_table():
    with running_broker():
        command = InConsole('hz', 'a', '-n', '1000', '-b', ADDRESS)
        wait_until(lambda: b'nobody publishes' in command.err, command)
        command.press()
        code, out, err = command.end()
        assert code == 130 and not out and err.count('\n') == 1, (code, out, err)


@test
def ctrl_c_stops_a_broker_with_a_goodbye():
    broker = InConsole('broker', 'run', '--address', ADDRESS)
    wait_until(lambda: b'the broker listens at' in broker.err, broker)
    watch = Command('ls', '--watch', '-n', '2', '-t', '3', '-b', ADDRESS)
    broker_sees = '"sessions": 2'
    wait_until(lambda: broker_sees in weir('broker', 'status', '--json', '-b', ADDRESS)[1], watch)
    broker.press()
    code, out, err = broker.end()
    assert code == 0 and not out and 'stops on Ctrl-C' in err, (code, out, err)
    code, out, err = watch.end()
    assert code == 0 and not out and 'is lost (the broker stops' in err, (code, out, err)


@test
def id_tells_the_token():
    found = json.loads(weir('id', '--json')[1])
    assert found['user_sid'].startswith('S-1-5-21-') and found['trust'] == 'full', found
    assert 'S-1-1-0' in found['group_sid'] and found['integrity'].endswith('integrity'), found
    code, out, _ = weir('id')
    assert code == 0 and f"user sid              {found['user_sid']}\n" in out, out


main()
