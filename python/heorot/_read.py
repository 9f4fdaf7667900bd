"""Reads HDF5 files for the process that started this one, which `_heorot.read_in_process` has told how.

The HDF5 library can crash on a damaged file. Then this process ends, and not that of the user. It is
run as a script with the path of the compiled part, and loads nothing but that.
"""

import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader

if __name__ == "__main__":
    loader = ExtensionFileLoader("heorot._heorot", sys.argv[1])
    spec = spec_from_loader("heorot._heorot", loader)
    if spec is not None:
        compiled = module_from_spec(spec)
        loader.exec_module(compiled)
        compiled.serve_parent()
