#!/usr/bin/python3
"""What libweir.map lets be seen, as the module definition that a .dll is linked with.

    exports.py libweir.map OUT.def
"""
import pathlib
import re
import sys


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding='utf-8')
    names = re.findall(r'^\s+(weir_\w+);$', text.split('global:')[1].split('local:')[0], re.MULTILINE)
    pathlib.Path(sys.argv[2]).write_text('EXPORTS\n' + ''.join(f'        {name}\n' for name in names), encoding='utf-8')


if __name__ == '__main__':
    main()
