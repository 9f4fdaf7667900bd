"""Communication between real MPI ranks: every collective with split and whole messages, and the end
of all ranks when one fails. Needs target/debug/examples/comm_check, which `cargo test` builds.

`--huge` also sends a message longer than the counts of MPI allow.
"""

import subprocess
import sys
import threading

from harness import MPIRUN, ROOT, check, ended, require

PROGRAM = ROOT / "target" / "debug" / "examples" / "comm_check"
MPICH = "HYDRA" in subprocess.run([MPIRUN, "--version"], capture_output=True, text=True).stdout


def run(ranks, *arguments):
    """Runs the program on `ranks` ranks, or without mpirun if None; its exit code and all that it printed."""
    line = [str(PROGRAM), *arguments]
    if ranks:
        line = [MPIRUN, "-n", str(ranks), *line]
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    output, _ = ended(process, " ".join(line))
    return process.returncode, output


def passes(ranks, *arguments):
    code, output = run(ranks, *arguments)
    require(code == 0 and output.count("passed") == (ranks or 1), f"exit code {code}: {output}")


def ends(how, ranks, code, lines):
    """One rank fails while the others wait for it: all end, with its exit code and at most one line of ours."""
    found, output = run(ranks, how)
    # The launcher of MPICH may report the signal with which it ended another rank.
    require(found == code or MPICH and found == 9, f"exit code {found}: {output}")
    require(output.count("panicked") == lines, f"{output.count('panicked')} lines: {output}")


def main():
    # A rank that computes without communication ends by itself after ten seconds; others run meanwhile.
    deaf = threading.Thread(target=check, args=("panic-deaf on the last of 2 ranks ends all", ends, "panic-deaf", 2, 101, 1))
    deaf.start()
    check("every collective without mpirun", passes, None)
    for ranks in (1, 2, 3, 4):
        check(f"every collective on {ranks} ranks", passes, ranks)
    if "--huge" in sys.argv:
        check("a message of more than 2^31 bytes on 2 ranks", passes, 2, "huge")
    for ranks in (1, 2, 4):
        for how, code, lines in [("panic", 101, 1), ("panic-in-pool", 101, 1), ("abort", 7, 0), ("panic-apart", 101, 1)]:
            if how != "panic-apart" or ranks > 1:
                check(f"{how} on the last of {ranks} ranks ends all", ends, how, ranks, code, lines)
    deaf.join()


main()
