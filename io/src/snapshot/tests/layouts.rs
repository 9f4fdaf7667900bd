//! All layouts of a snapshot, and regions of it.

use super::{ALL, by_type, count, files_in, folder, header, sample, write_as};
use crate::Target;
use crate::snapshot::{
    Fields, Flavour, Format, Header, Index, Layout, Region, Rows, Universe, Wanted, names, read, read_region,
    write,
};
use decomposition::threads;
use hdf5::File;
use std::ops::Range;
use std::path::Path;
use treecode::{Bodies, Cube, Key, TYPES};

/// Bodies in key order, with an index of cells of this level.
fn indexed(n: usize, level: u32) -> (Bodies, Index) {
    let mut bodies = sample(n);
    let extent =
        |axis: usize, pick: fn(f64, f64) -> f64| bodies.pos[axis].iter().copied().reduce(pick).unwrap();
    let cube = Cube::around(
        [0, 1, 2].map(|axis| extent(axis, f64::min)),
        [0, 1, 2].map(|axis| extent(axis, f64::max)),
    );
    let keys = treecode::sort(&mut bodies, &cube);
    let mut cells: Vec<(Key, [u64; TYPES])> = Vec::new();
    for (bits, kind) in keys.into_iter().zip(&bodies.kind) {
        let key = Key::from_curve(bits).ancestor(level);
        if cells.last().is_none_or(|(last, _)| *last != key) {
            cells.push((key, [0; TYPES]));
        }
        cells.last_mut().unwrap().1[usize::from(*kind)] += 1;
    }
    (bodies, Index { cube: Some(cube), cells })
}

fn rounded(bodies: &Bodies) -> Bodies {
    let mut rounded = bodies.clone();
    let round = |array: &mut Vec<f64>| array.iter_mut().for_each(|x| *x = f64::from(*x as f32));
    [&mut rounded.pos, &mut rounded.vel, &mut rounded.acc].into_iter().flatten().for_each(round);
    [&mut rounded.mass, &mut rounded.pot].into_iter().for_each(round);
    rounded
}

/// Reads the bodies on several ranks and orders them by type.
fn read_on(path: &Path, ranks: usize) -> Bodies {
    let mut all = Bodies::default();
    (0..ranks).for_each(|rank| all.append(&read(path, rank, ranks).unwrap().1));
    by_type(&all)
}

#[test]
fn every_layout_is_read_back() {
    let (bodies, index) = indexed(3000, 2);
    let isolated = Header { box_size: 0.0, ..header() };
    for flavour in [Flavour::Gadget, Flavour::Swift] {
        for (single, compression, files) in
            [(false, 0, 1), (true, 0, 1), (false, 6, 1), (false, 0, 3), (true, 1, 4)]
        {
            let (folder, path) = folder();
            let layout = Layout { flavour, single, compression, files, hints: Vec::new() };
            write_as(&path, &isolated, &bodies, ALL, &layout, &index).unwrap();
            assert_eq!(files_in(&folder), files);
            let expected = if single { rounded(&bodies) } else { bodies.clone() };
            let (found, _) = read(&path, 0, 1).unwrap();
            let format = if flavour == Flavour::Swift { Format::Swift } else { Format::Gadget };
            assert_eq!(
                found,
                Header { count: count(&bodies), files, format, ..isolated.clone() },
                "{layout:?}"
            );
            for ranks in [1, 5] {
                let mut found = read_on(&path, ranks);
                if flavour == Flavour::Swift {
                    // Positions were shifted into the box from 0 to its side, and back.
                    let precision = if single { 1e-7 } else { 1e-15 } * index.cube.unwrap().side;
                    let far = |(a, b): (&f64, &f64)| (a - b).abs() > precision;
                    let written = by_type(&bodies);
                    let mut pairs = found.pos.iter().flatten().zip(written.pos.iter().flatten());
                    assert!(!pairs.any(far), "{layout:?}: a position is off");
                    found.pos = by_type(&expected).pos;
                }
                assert!(found == by_type(&expected), "{layout:?} on {ranks} ranks");
            }
        }
    }
}

#[test]
fn the_universe_of_a_snapshot_is_read_back() {
    let (bodies, index) = indexed(300, 1);
    let universe = Universe {
        scale_factor: 0.25,
        omega_m: 0.3,
        omega_lambda: 0.7,
        omega_r: 1e-4,
        w0: -0.9,
        wa: 0.1,
        h: 0.7,
        hubble: 0.07,
    };
    let written = Header { universe: Some(universe), time: 5.0, box_size: 1e6, ..header() };
    for (flavour, exponent, at) in [(Flavour::Gadget, 0.5, 0.25), (Flavour::Swift, 0.0, 5.0)] {
        let (_folder, path) = folder();
        let layout = Layout { flavour, ..Layout::default() };
        write_as(&path, &written, &bodies, ALL, &layout, &index).unwrap();
        let (found, _) = read(&path, 0, 1).unwrap();
        assert!(found.cosmological.is_some());
        let in_h = if flavour == Flavour::Gadget { 0.7 } else { 1.0 };
        assert_eq!((found.time, found.box_size), (at, 1e6 * in_h));
        assert_eq!(found.universe, Some(Universe { hubble: 0.0, ..universe }));
        let (ours, theirs) = (written.units_or(None), found.units_or(None));
        assert_eq!(theirs.length_in_cm, ours.length_in_cm / in_h);
        assert_eq!(theirs.mass_in_g, ours.mass_in_g / in_h);
        // Velocities are p / a, in GADGET's files divided by sqrt(a).
        let (all, factor) = (read_on(&path, 1), universe.momentum_of(found.format));
        assert_eq!(factor, 0.25f64.powf(1.0 + exponent));
        let momenta = by_type(&bodies).vel;
        let pairs = all.vel.iter().flatten().zip(momenta.iter().flatten());
        pairs.for_each(|(v, p)| assert!((v * factor - p).abs() <= 1e-15 * p.abs()));
        let positions = by_type(&bodies).pos;
        let pairs = all.pos.iter().flatten().zip(positions.iter().flatten());
        pairs.for_each(|(x, y)| assert_eq!(*x, y * in_h));
        assert_eq!(all.mass[7], by_type(&bodies).mass[7] * in_h);
        let file = File::open(&path).unwrap();
        let set = file.dataset("PartType1/Coordinates").unwrap();
        let number = |name: &str| set.attr(name).unwrap().read_raw::<f64>().unwrap()[0];
        match flavour {
            Flavour::Gadget => {
                assert_eq!((number("a_scaling"), number("h_scaling")), (1.0, -1.0));
                assert_eq!(number("to_cgs"), ours.length_in_cm);
            }
            Flavour::Swift => {
                assert_eq!((number("a-scale exponent"), number("h-scale exponent")), (1.0, 0.0));
                let physical = "Conversion factor to physical CGS (including cosmological corrections)";
                assert!((number(physical) / (0.25 * ours.length_in_cm) - 1.0).abs() < 1e-14);
            }
        }
    }
}

/// Writes bodies in key order from several ranks, the second of which has none; what each is told.
fn write_on(
    path: &Path,
    bodies: &Bodies,
    index: &Index,
    layout: &Layout,
    ranks: usize,
) -> Vec<Option<String>> {
    let part = |range: Range<usize>| {
        let mut part = bodies.clone();
        part.permute(&(range.start as u32..range.end as u32).collect::<Vec<_>>());
        part
    };
    let first = |rank: usize| bodies.len() * (rank - usize::from(rank > 1)) / (ranks - 1).max(1);
    threads::run(ranks, |comm| {
        let mine = first(comm.rank())..first(comm.rank() + 1);
        let (mine, before) = (part(mine.clone()), part(0..mine.start));
        let rows = Rows { bodies: &mine, offset: count(&before), index };
        let written = write(&Target::own(path), &header(), &rows, ALL, layout, comm);
        written.err().map(|error| error.to_string())
    })
}

#[test]
fn any_ranks_write_the_bytes_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let (bodies, index) = indexed(60_000, 2);
    for (single, compression, files) in [(false, 0, 1), (true, 0, 3), (false, 1, 1), (false, 1, 2)] {
        let layout = Layout { single, compression, files, ..Layout::default() };
        let bytes_on = |ranks: usize| {
            let path = folder.path().join(format!("{single}-{compression}-{files}-{ranks}.hdf5"));
            assert_eq!(write_on(&path, &bodies, &index, &layout, ranks), vec![None; ranks]);
            names(&path, files).iter().map(|name| std::fs::read(name).unwrap()).collect::<Vec<_>>()
        };
        let one = bytes_on(1);
        for ranks in [2, 3, 5] {
            assert!(bytes_on(ranks) == one, "{ranks} ranks, {layout:?}");
        }
    }
}

#[test]
fn an_error_of_one_rank_is_that_of_all() {
    let (folder, path) = folder();
    let (mut bodies, index) = indexed(60_000, 2);
    bodies.vel[0][50_000] = 1e300;
    let layout = Layout { single: true, files: 2, ..Layout::default() };
    let fault = "Velocities has the number 1e300, which is beyond single precision";
    let expected = Some(format!("{}: cannot write: {fault}", path.display()));
    assert_eq!(write_on(&path, &bodies, &index, &layout, 3), vec![expected; 3]);
    let missing = folder.path().join("none/snapshot.hdf5");
    let fault = "No such file or directory (os error 2)";
    let expected = Some(format!("{}: cannot write: {fault}", missing.display()));
    assert_eq!(write_on(&missing, &bodies, &index, &layout, 3), vec![expected; 3]);
    assert_eq!(files_in(&folder), 0, "a part is left");
}

#[test]
fn compression_makes_a_file_smaller() {
    let (bodies, index) = indexed(3000, 2);
    let size = |compression: u8| {
        let (_folder, path) = folder();
        let layout = Layout { compression, ..Layout::default() };
        write_as(&path, &header(), &bodies, Fields::default(), &layout, &index).unwrap();
        std::fs::metadata(&path).unwrap().len()
    };
    assert!(size(6) < size(0), "{} bytes instead of {}", size(6), size(0));
}

#[test]
fn the_time_step_is_that_of_the_run() {
    let (bodies, index) = indexed(30, 1);
    for (flavour, name) in [(Flavour::Gadget, "TimeStep"), (Flavour::Swift, "TimeSteps")] {
        let (_folder, path) = folder();
        let fields = Fields { time_step: Some(0.125), ..Fields::default() };
        write_as(&path, &header(), &bodies, fields, &Layout { flavour, ..Layout::default() }, &index)
            .unwrap();
        let file = File::open(&path).unwrap();
        let steps = file.dataset(&format!("PartType2/{name}")).unwrap().read_raw::<f64>().unwrap();
        assert_eq!(steps, vec![0.125; 10]);
    }
}

#[test]
fn what_single_precision_cannot_tell_is_an_error() {
    let (_folder, path) = folder();
    let layout = Layout { single: true, ..Layout::default() };
    for (axis, value) in [(Some(1), 1e300), (None, 1e-60)] {
        let mut bodies = sample(12);
        match axis {
            Some(axis) => bodies.pos[axis][7] = value,
            None => bodies.mass[7] = value,
        }
        let message =
            write_as(&path, &header(), &bodies, ALL, &layout, &Index::without_order(count(&bodies)))
                .unwrap_err();
        assert!(
            message.ends_with(&format!("has the number {value:e}, which is beyond single precision")),
            "{message}"
        );
        assert!(!path.exists());
    }
}

#[test]
fn a_region_is_read_by_its_cells() {
    let (bodies, index) = indexed(5000, 3);
    let cube = index.cube.unwrap();
    let centre = cube.centre(Key::ROOT);
    for files in [1, 4] {
        let (_folder, path) = folder();
        write_as(&path, &header(), &bodies, ALL, &Layout { files, ..Layout::default() }, &index).unwrap();
        let quarter = centre.map(|x| x + 0.25 * cube.side);
        for region in [
            Region::Sphere { centre, radius: 0.1 * cube.side },
            Region::Box { lo: centre, hi: quarter },
            Region::Box { lo: bodies.position(17), hi: bodies.position(17) },
            Region::Sphere { centre: cube.corner, radius: 4.0 * cube.side },
            Region::Sphere { centre: [1e9; 3], radius: 1.0 },
        ] {
            let (_, found, how) = read_region(&path, &region, &Wanted::default()).unwrap();
            let mut expected = bodies.clone();
            let inside = (0..5000u32).filter(|&i| region.contains(bodies.position(i as usize)));
            expected.permute(&inside.collect::<Vec<_>>());
            assert!(by_type(&found) == by_type(&expected), "{region:?} of {files} files");
            assert!(how.cells[0] <= index.cells.len() && how.cells[1] == index.cells.len());
            assert!(
                how.rows >= found.len() as u64 && (how.rows < 2500 || how.cells[0] == how.cells[1]),
                "{how:?}"
            );
        }
    }
}

#[test]
fn a_region_of_a_snapshot_without_an_index() {
    let (_folder, path) = folder();
    let bodies = sample(100);
    write_as(&path, &header(), &bodies, ALL, &Layout::default(), &Index::without_order(count(&bodies)))
        .unwrap();
    let region = Region::Box { lo: [-1e9; 3], hi: [0.0, 1e9, 1e9] };
    let (_, found, how) = read_region(&path, &region, &Wanted::default()).unwrap();
    assert_eq!((how.rows, how.cells), (100, [0, 0]));
    assert_eq!(found.len(), bodies.pos[0].iter().filter(|x| **x <= 0.0).count());
}

#[test]
fn an_index_that_is_wrong_is_refused() {
    let spoilt = |spoil: &dyn Fn(&File)| {
        let (_folder, path) = folder();
        let (bodies, index) = indexed(300, 1);
        write_as(&path, &header(), &bodies, ALL, &Layout::default(), &index).unwrap();
        let file = File::open_rw(&path).unwrap();
        spoil(&file);
        file.close().unwrap();
        let message =
            read_region(&path, &Region::Sphere { centre: [0.0; 3], radius: 1.0 }, &Wanted::default())
                .unwrap_err()
                .to_string();
        message.strip_prefix(&format!("{}: ", path.display())).unwrap().to_owned()
    };
    let first = |file: &File, name: &str, value: i64| {
        let dataset = file.dataset(&format!("Cells/{name}/PartType2")).unwrap();
        let mut values = dataset.read_raw::<i64>().unwrap();
        values[0] = value;
        dataset.write_raw(&values).unwrap();
    };
    let beyond = "/Cells has cells of PartType2 that reach beyond the files";
    assert_eq!(spoilt(&|file| first(file, "OffsetsInFile", 1 << 40)), beyond);
    assert_eq!(spoilt(&|file| first(file, "Files", 7)), beyond);
    assert_eq!(spoilt(&|file| first(file, "Counts", -1)), "/Cells has a negative number in Counts/PartType2");
    assert_eq!(spoilt(&|file| first(file, "Counts", 0)).split(',').count(), 2);
    assert_eq!(
        spoilt(&|file| file.unlink("Cells/Files/PartType2").unwrap()).split(':').next(),
        Some("/Cells has no Files/PartType2")
    );
    let keys = |file: &File| {
        let dataset = file.dataset("Cells/Keys").unwrap();
        dataset.write_raw(&vec![2u64; dataset.size()]).unwrap();
    };
    assert_eq!(spoilt(&keys), "/Cells has a key that is none");
}
