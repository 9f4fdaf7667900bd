//! A check that needs `mpirun`: `write_check FOLDER [unwritable|full]`.
//!
//! The ranks write one snapshot, unevenly, the second of them without bodies and the first in several rounds: together by MPI-IO, and through the first
//! rank. Its bytes must be those that one rank writes alone; and so must its bodies, where it is compressed together, or divided among several files. With `unwritable` or `full`, FOLDER must be a place where the write fails; then every rank must
//! get the same error, and nothing may be left. Prints one line a rank; the exit code says whether all is well.

use decomposition::{Comm, Shifted, Solo, mpi_world::World};
use heorot_io::snapshot::{Fields, Header, Index, Layout, Rows, read, write};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use treecode::{Bodies, Key, TYPES};

const BODIES: usize = 700_000;
const FIELDS: Fields = Fields { acceleration: true, potential: true, time_step: Some(0.25) };

fn main() -> ExitCode {
    let world = World::start().expect("MPI starts");
    let comm = world.comm();
    let (rank, size) = (comm.rank(), comm.size());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(arguments.first().expect("usage: write_check FOLDER [unwritable|full]"));
    let result = match arguments.get(1) {
        None => same_bytes(folder, comm),
        Some(_) => fails_cleanly(folder, comm),
    };
    match result {
        Ok(said) => println!("rank {rank} of {size} passed{said}"),
        Err(fault) => {
            println!("rank {rank} of {size} FAILED: {fault}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn same_bytes(folder: &Path, comm: &dyn Comm) -> Result<String, String> {
    let (rank, size) = (comm.rank(), comm.size());
    // Ranks with other numbers than MPI's do not write together, but through the first one.
    let through_first = Shifted::new(comm, 0);
    assert!(comm.communicator().is_some() && through_first.communicator().is_none());
    let hints =
        vec![("cb_buffer_size".to_owned(), "1048576".to_owned()), ("cb_nodes".to_owned(), "1".to_owned())];
    let plain = Layout { hints, ..Layout::default() };
    let mine = share(rank, size);
    let mut said = String::new();
    for (name, layout) in [
        ("plain", plain.clone()),
        ("several", Layout { files: 3, ..plain.clone() }),
        ("compressed", Layout { compression: 1, ..plain.clone() }),
        ("small", Layout { compression: 1, single: true, files: 2, ..plain }),
    ] {
        let (together, alone) =
            (folder.join(format!("{name}.hdf5")), folder.join(format!("{name}-alone.hdf5")));
        let sent = folder.join(format!("{name}-sent.hdf5"));
        write_share(&together, &mine, &layout, comm).map_err(|error| error.to_string())?;
        write_share(&sent, &mine, &layout, &through_first).map_err(|error| error.to_string())?;
        if rank == 0 {
            write_share(&alone, &(0..BODIES), &layout, &Solo).map_err(|error| error.to_string())?;
        }
        comm.barrier();
        for path in [&together, &sent] {
            let [ours, theirs] = [path, &alone].map(|path| heorot_io::snapshot::names(path, layout.files));
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let bytes = |path: &Path| std::fs::read(path).map_err(|error| error.to_string());
                // Where chunks that several ranks compress lie in a file is HDF5's choice.
                let may_differ = layout.compression > 0 && path == &together;
                if !may_differ && bytes(ours)? != bytes(theirs)? {
                    return Err(format!(
                        "{}: the file of all ranks has other bytes than that of one",
                        ours.display()
                    ));
                }
            }
        }
        let read =
            |path: &Path| read(path, rank, size).map(|(_, bodies)| bodies).map_err(|error| error.to_string());
        let bodies = read(&together)?;
        if bodies != read(&alone)? {
            return Err(format!("{name}: the file of all ranks has other bodies than that of one"));
        }
        let intact = (0..bodies.len()).all(|i| {
            let (id, kind) = (bodies.id[i], usize::from(bodies.kind[i]));
            let expected = sample(id as usize..id as usize + 1).velocity(0);
            let expected = if layout.single { expected.map(|x| f64::from(x as f32)) } else { expected };
            bodies.velocity(i) == expected && kind == kind_of(id as usize)
        });
        if !intact {
            return Err(format!("{name}: a body was read wrong"));
        }
        comm.barrier();
        said = format!(", {} bodies read", bodies.len());
    }
    Ok(said)
}

fn fails_cleanly(folder: &Path, comm: &dyn Comm) -> Result<String, String> {
    let through_first = Shifted::new(comm, 0);
    let ends = [comm, &through_first].map(|comm| fails_on(folder, comm));
    match ends {
        [Ok(together), Ok(sent)] if together == sent => Ok(together),
        [Ok(together), Ok(sent)] => Err(format!("{together} differs from{sent}")),
        [Err(fault), _] | [_, Err(fault)] => Err(fault),
    }
}

fn fails_on(folder: &Path, comm: &dyn Comm) -> Result<String, String> {
    let path = folder.join("never.hdf5");
    let Err(error) = write_share(&path, &share(comm.rank(), comm.size()), &Layout::default(), comm) else {
        return Err("the write went well".to_owned());
    };
    let left = std::fs::read_dir(folder).map_or(0, |entries| {
        entries
            .filter(|entry| {
                entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().contains("never"))
            })
            .count()
    });
    if left > 0 { Err(format!("{left} files are left after: {error}")) } else { Ok(format!(": {error}")) }
}

/// Bodies of this rank: none on the second, otherwise two thirds of what is left.
fn share(rank: usize, size: usize) -> Range<usize> {
    let mut start = 0;
    for other in 0..size {
        let length = match other {
            1 => 0,
            _ if other + 1 == size || size == 2 => BODIES - start,
            _ => (BODIES - start) * 2 / 3,
        };
        if other == rank {
            return start..start + length;
        }
        start += length;
    }
    unreachable!("rank {rank} of {size}")
}

fn write_share(
    path: &Path,
    mine: &Range<usize>,
    layout: &Layout,
    comm: &dyn Comm,
) -> Result<(), heorot_io::Error> {
    let header =
        Header { time: 1.5, parameters: vec![("time.step".into(), "0.5".into())], ..Header::default() };
    let count = |range: Range<usize>| {
        let mut count = [0; TYPES];
        range.for_each(|id| count[kind_of(id)] += 1);
        count
    };
    // As many cells as files need to be of about one size.
    let cells = (0..BODIES / 10_000).map(|cell| (Key::ROOT, count(cell * 10_000..(cell + 1) * 10_000)));
    let index = Index { cube: None, cells: cells.collect() };
    let bodies = sample(mine.clone());
    let rows = Rows { bodies: &bodies, offset: count(0..mine.start), index: &index };
    write(&heorot_io::Target::own(path), &header, &rows, FIELDS, layout, comm)
}

fn kind_of(id: usize) -> usize {
    [1, 1, 1, 2, 4][id % 5]
}

/// Bodies whose every value follows from their id.
fn sample(ids: Range<usize>) -> Bodies {
    let mut bodies = Bodies::zeroed(ids.len());
    for (i, id) in ids.enumerate() {
        let number = |column: usize| ((id * 10 + column) as f64 * 0.618_033_988_75).fract() - 0.5;
        bodies.id[i] = id as u64;
        bodies.kind[i] = kind_of(id) as u8;
        bodies.mass[i] = 1.0 + number(9);
        bodies.pot[i] = number(0);
        for axis in 0..3 {
            bodies.pos[axis][i] = number(1 + axis);
            bodies.vel[axis][i] = number(4 + axis);
            bodies.acc[axis][i] = number(7 + axis);
        }
    }
    bodies
}
