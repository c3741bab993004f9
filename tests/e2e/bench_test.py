#!/usr/bin/python3
"""weir-bench: every peer carries every frame, its documents are whole, and lost or changed frames are found."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402

BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
BENCH = str(BUILD / 'bench' / 'weir-bench')
FAULTY = str(BUILD / 'bench' / 'bench-faulty')
FANOUT = str(BUILD / 'bench' / 'fanout-bench')
PEERS = {'weir', 'ceiling', 'pipe', 'unix', 'tcp'}
QUICK_STREAM = ['--quick', '--mode', 'stream', '--size', '4k', '--json']


def run(program, *arguments):
    """(exit code, stdout, stderr)"""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stdout, done.stderr


def measured(program, *arguments, expect=0):
    code, out, err = run(program, *arguments)
    assert code == expect, f'exit {code}, not {expect}: {err}{out}'
    return json.loads(out)['results']


def write_document(folder, name, scale=1.0, placement='near'):
    """A document with one latency and one rate of weir; scale worsens the latency."""
    def figures(key, value):
        return {key: {'median': value, 'min': value, 'max': value}}

    terms = {'peer': 'weir', 'wait': 'spin', 'hash': 'full', 'placement': placement}
    document = {'weir_bench': 1, 'results': [
        {**terms, 'mode': 'latency', 'size': 32, 'figures': figures('p50_ns', 100.0 * scale)},
        {**terms, 'mode': 'stream', 'size': 1 << 20, 'figures': figures('gb_per_s', 20.0)},
        {**terms, 'peer': 'pipe', 'hash': '-', 'mode': 'latency', 'size': 32,
         'figures': figures('p50_ns', 500.0 * scale * 2)}]}
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(document, file)
    return path


@test
def every_peer_carries_every_frame_in_every_mode():
    results = measured(BENCH, '--quick', '--json')
    assert len(results) == 2 * 3 * len(PEERS), f'{len(results)} results'
    for result in results:
        assert result['verdict'] == 'ok' and result['lost'] == 0, result
        figures = result['figures']
        assert figures['frames']['median'] >= 10, result
        main_figure = 'gb_per_s' if result['mode'] == 'stream' else 'p50_ns'
        assert figures[main_figure]['median'] > 0, result
        assert figures[main_figure]['min'] <= figures[main_figure]['median'] <= figures[main_figure]['max'], result
    assert {result['peer'] for result in results} == PEERS


@test
def every_peer_also_waits_in_the_kernel():
    results = measured(BENCH, '--size', '32', '--quick', '--mode', 'latency,stream', '--wait', 'block', '--json')
    assert {result['size'] for result in results} == {32}, 'what is asked wins over --quick, in any order'
    assert {(result['peer'], result['verdict'], result['lost']) for result in results} == {(p, 'ok', 0) for p in PEERS}


@test
def every_hash_policy_is_measured_and_an_odd_size_arrives_whole():
    results = measured(BENCH, '--quick', '--size', '77,8201', '--mode', 'stream', '--hash', 'full,header,none',
                       '--vs', 'none', '--json')
    assert [(r['size'], r['hash'], r['lost']) for r in results] == [
        (size, policy, 0) for size in (77, 8201) for policy in ('full', 'header', 'none')]


@test
def a_subscriber_more_costs_a_publish_a_line_and_not_a_wake():
    code, out, err = run(FANOUT, '--json')
    assert code == 0, err
    document = json.loads(out)
    assert [result['subscribers'] for result in document['results']] == [1, 4, 16, 64]
    for mode in ('paused', 'taking', 'stopped'):  # 2 ns each where it is quiet; a wake is 6 000
        assert document['each'][mode] < 500, document
    assert document['results'][-1]['asleep'] > document['results'][-1]['stopped'], document


@test
def the_bare_lane_stands_beside_the_library():
    results = measured(BENCH, 'lane', '--quick', '--size', '32', '--json')
    assert {r['peer'] for r in results} == {'lane', 'weir', 'ceiling'}
    assert all(r['verdict'] == 'ok' and r['lost'] == 0 for r in results), results


@test
def relayed_ends_stand_beside_a_bare_program_over_the_same_stream():
    for path in ('pipe', 'tcp'):
        results = measured(BENCH, '--path', path, '--size', '77,4k,64k,1M', '--time', '0.02', '--runs', '1', '--json')
        assert {(r['peer'], r['size'], r['wait']) for r in results} == {
            (peer, size, 'block') for peer in ('taken', 'given', path) for size in (77, 4096, 65536, 1 << 20)}
        assert all(r['verdict'] == 'ok' and r['lost'] == 0 for r in results), results
        code, out, err = run(BENCH, f'--path={path}', '--quick', '--size', '64k')
        assert code == 0 and f'x {path:>4}\n' in out and '\n  taken ' in out, out + err
    code, _, err = run(BENCH, '--path', 'string')
    assert code == 2 and 'expected pipe or tcp' in err, err


@test
def the_table_names_every_peer_and_the_placement():
    code, out, err = run(BENCH, '--quick', '--size', '32', '--mode', 'latency')
    assert code == 0, err
    assert 'line exchange' in out and 'x ceiling' in out, out
    for peer in PEERS:
        assert f'\n  {peer} ' in out, out


@test
def a_file_of_results_is_equal_to_itself():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'a.json')
        code, out, err = run(BENCH, '--quick', '--size', '32', '--mode', 'stream', '--vs', 'pipe', '--out', path)
        assert code == 0, err
        code, out, err = run(BENCH, 'compare', path, path, '--fail-over', '5%')
        assert code == 0 and '1 of weir\'s results compared, 0 worse' in out, out + err


@test
def a_regression_beyond_the_limit_exits_7():
    with tempfile.TemporaryDirectory() as folder:
        before, after = write_document(folder, 'a.json'), write_document(folder, 'b.json', scale=1.1)
        code, out, _ = run(BENCH, 'compare', before, after, '--fail-over', '5%')
        assert code == 7 and out.count('WORSE') == 1, out
        code, out, _ = run(BENCH, 'compare', before, after, '--fail-over', '15%')
        assert code == 0, out
        code, out, _ = run(BENCH, 'compare', after, before)
        assert code == 0, out


@test
def figures_of_another_placement_are_not_compared():
    with tempfile.TemporaryDirectory() as folder:
        before, after = write_document(folder, 'a.json'), write_document(folder, 'b.json', 9, 'far')
        code, out, _ = run(BENCH, 'compare', before, after)
        assert code == 1 and 'not compared' in out, out


@test
def a_file_that_is_no_document_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'a.json')
        for text in ('{"results": ', '{"something": 1}', '[]'):
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
            code, _, err = run(BENCH, 'compare', path, path)
            assert code == 1 and 'a.json' in err, err


@test
def a_dropped_frame_is_found_and_is_no_result():
    whole, broken = measured(FAULTY, *QUICK_STREAM, '--vs', 'drops', expect=7)
    assert whole['verdict'] == 'ok' and whole['figures'], whole
    assert broken['verdict'] == 'lost' and broken['lost'] == 1 and broken['figures'] is None, broken


@test
def a_doubled_frame_is_found():
    _, broken = measured(FAULTY, *QUICK_STREAM, '--vs', 'doubles', expect=7)
    assert broken['verdict'] == 'lost', broken


@test
def a_flipped_bit_is_found():
    _, broken = measured(FAULTY, *QUICK_STREAM, '--vs', 'flips', expect=7)
    assert broken['verdict'] == 'lost' and 'not what was sent' in broken['text'], broken


@test
def a_frame_that_never_comes_back_is_lost():
    _, broken = measured(FAULTY, '--quick', '--mode', 'latency', '--size', '32', '--vs', 'drops', '--json', expect=7)
    assert broken['verdict'] == 'lost' and broken['lost'] == 1, broken


@test
def an_end_that_dies_is_a_failure_and_not_a_result():
    _, broken = measured(FAULTY, *QUICK_STREAM, '--vs', 'dies', expect=1)
    assert broken['verdict'] == 'failed' and broken['figures'] is None, broken


@test
def a_wrong_word_is_answered_with_the_right_ones():
    for wrong, expected in ((['--size', '7'], '8 to 1G'), (['--mode', 'x'], 'latency stream loan'),
                            (['--vs', 'dove'], 'ceiling pipe unix tcp'), (['--runs', '0'], '1 to 101'),
                            (['--pin', '0'], 'two processors'), (['--hash', ''], 'full header none'),
                            (['what'], '--help'), (['--nothing'], '--help'), (['compare', 'a'], 'usage')):
        code, out, err = run(BENCH, *wrong)
        assert code == 2 and out == '' and expected in err, (wrong, code, out, err)


@test
def help_has_an_example():
    code, out, _ = run(BENCH, '--help')
    assert code == 0 and 'example: weir bench' in out and 'Latency is half of a round trip' in out


if __name__ == '__main__':
    main()
