"""weir-bench.exe under Wine: its ends are processes that were started, and every peer carries every frame between them.

What is measured says nothing of Windows, and the output has to say so. Speaks TAP.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402

BENCH = Path(os.environ['WEIR_BUILD_ROOT']) / 'bench' / 'weir-bench.exe'
FAULTY = Path(os.environ['WEIR_BUILD_ROOT']) / 'bench' / 'bench-faulty.exe'
PATIENCE_S = 240
PEERS = {'weir', 'ceiling', 'pipe', 'message', 'tcp'}
CAVEAT = 'under Wine: no measure of Windows'


def run(program, *options, expect=0):
    done = subprocess.run(['wine', str(program), *options], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=PATIENCE_S, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == expect, f'exit {done.returncode}, not {expect}: {err}{out}'
    return out


def measured(program, *options, expect=0):
    document = json.loads(run(program, *options, '--json', expect=expect))
    assert document['machine']['caveat'] == CAVEAT, document['machine']
    return document['results']


@test
def weir_stands_beside_a_pipe_and_the_table_says_that_it_is_wine():
    out = run(BENCH, '--size', '1M', '--vs', 'pipe', '--runs', '1')
    assert CAVEAT in out and 'no result' not in out, out
    for peer in ('weir', 'pipe'):
        assert out.count(f'\n  {peer} ') == 3, out


@test
def every_peer_carries_every_frame_in_every_mode_however_it_waits():
    results = measured(BENCH, '--quick', '--wait', 'spin,block', '--size', '77,1M')
    assert len(results) == 2 * 3 * 2 * len(PEERS), f'{len(results)} results'
    assert {result['peer'] for result in results} == PEERS
    for result in results:
        assert result['verdict'] == 'ok' and result['lost'] == 0, result
        assert result['figures']['frames']['median'] >= 10, result


@test
def the_bare_lane_stands_beside_the_library():
    results = measured(BENCH, 'lane', '--quick', '--size', '32')
    assert {result['peer'] for result in results} == {'lane', 'weir', 'ceiling'}
    assert all(result['verdict'] == 'ok' and result['lost'] == 0 for result in results), results


@test
def relayed_ends_stand_beside_a_bare_program_over_the_same_stream():
    for path in ('pipe', 'tcp'):
        results = measured(BENCH, '--path', path, '--size', '4k,1M', '--time', '0.02', '--runs', '1')
        assert {(r['peer'], r['size']) for r in results} == {
            (peer, size) for peer in ('taken', 'given', path) for size in (4096, 1 << 20)}
        assert all(r['verdict'] == 'ok' and r['lost'] == 0 for r in results), results


@test
def a_file_is_written_and_read_by_a_name_that_no_code_page_has():
    with tempfile.TemporaryDirectory() as folder:
        name = 'Z:' + folder.replace('/', '\\') + '\\Łódź.json'
        run(BENCH, '--quick', '--size', '32', '--mode', 'stream', '--vs', 'none', '--out', name)
        assert (Path(folder) / 'Łódź.json').stat().st_size > 0
        assert "1 of weir's results compared, 0 worse" in run(BENCH, 'compare', name, name)


@test
def what_is_lost_or_changed_on_its_way_is_found():
    for fault, text in (('drops', 'lost 1'), ('doubles', ''), ('flips', 'not what was sent')):
        whole, broken = measured(FAULTY, '--quick', '--mode', 'stream', '--size', '4k', '--vs', fault, expect=7)
        assert whole['verdict'] == 'ok' and whole['figures'], whole
        assert broken['verdict'] == 'lost' and broken['figures'] is None and text in broken['text'], broken


@test
def an_end_that_dies_is_a_failure_and_not_a_result():
    _, broken = measured(FAULTY, '--quick', '--mode', 'stream', '--size', '4k', '--vs', 'dies', expect=1)
    assert broken['verdict'] == 'failed' and broken['figures'] is None, broken


def ends():
    """Processes of Wine's that were started as an end, by their arguments."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            words = (folder / 'cmdline').read_bytes().decode(errors='replace')
        except OSError:
            continue
        if '--time\x003600' in words and '--role=end' in words:
            found.append(folder.name)
    return found


def is_at_work(process):
    """It measures: Wine does not always end a process that has yet to begin."""
    ticks = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[11]
    return int(ticks) > 10


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@test
def no_end_outlives_its_supervisor():
    before = ends()  # of a run that was broken off

    def ends_of_ours():
        return [end for end in ends() if end not in before]

    with subprocess.Popen(['wine', str(BENCH), '--time', '3600', '--size', '32', '--mode', 'latency', '--vs', 'none'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as bench:
        wait_until(lambda: len(ends_of_ours()) == 2, 'no two ends came')
        wait_until(lambda: all(is_at_work(end) for end in ends_of_ours()), 'they do not measure')
        bench.kill()
    wait_until(lambda: not ends_of_ours(), f'still there: {ends_of_ours()}')


if __name__ == '__main__':
    main()
