# SPDX-License-Identifier: MIT OR Apache-2.0
"""Spack package of Heorot. It builds the checkout that contains this file."""

from pathlib import Path

from spack.package import *
from spack_repo.builtin.build_systems.cargo import CargoPackage

# packaging/spack/spack_repo/heorot/packages/heorot/package.py
CHECKOUT = Path(__file__).resolve().parents[6]


class Heorot(CargoPackage):
    """A parallel Barnes-Hut N-body suite: a hashed oct-tree gravity code for clusters, whose results
    have the same bits on any number of MPI ranks."""

    git = f"file://{CHECKOUT}"

    license("MIT OR Apache-2.0")

    version("main", branch="main")

    variant("mpi", default=True, description="Runs on several MPI ranks, which write one file together")

    depends_on("c", type="build")
    depends_on("rust@1.95:", type="build")

    with when("+mpi"):
        depends_on("mpi")
        depends_on("hdf5+mpi")
        depends_on("llvm+clang", type="build")  # libclang reads the headers of MPI
        depends_on("pkgconfig", type="build")

    with when("~mpi"):
        # HDF5 is built from source and linked into the program.
        depends_on("cmake@3.26:", type="build")
        depends_on("gmake", type="build")

    def setup_build_environment(self, env: EnvironmentModifications) -> None:
        if self.spec.satisfies("+mpi"):
            env.set("HDF5_DIR", self.spec["hdf5"].prefix)
            env.set("LIBCLANG_PATH", self.spec["llvm"].prefix.lib)
            env.set("MPICC", self.spec["mpi"].mpicc)

    @property
    def build_args(self):
        features = [] if self.spec.satisfies("+mpi") else ["--no-default-features", "--features", "hdf5-static"]
        return ["--locked", *features]

    @run_after("install")
    def install_completions_and_manual(self):
        heorot = Executable(self.prefix.bin.heorot)
        heorot("man", join_path(self.prefix, "share", "man", "man1"), "--overwrite")
        for shell, folder, name in [
            ("bash", "bash-completion/completions", "heorot"),
            ("zsh", "zsh/site-functions", "_heorot"),
            ("fish", "fish/vendor_completions.d", "heorot.fish"),
        ]:
            target = join_path(self.prefix, "share", folder)
            mkdirp(target)
            Path(target, name).write_text(heorot("completions", shell, output=str))

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(self.prefix.bin.heorot)("model", "plummer", "--bodies", "100", "-o", "plummer.hdf5")
