//! Tests that `heorot spectrum` writes what the library measures.

use super::*;
use io::snapshot::{Fields, Header, Layout};
use nbody::model::{Model, Uniform, UniformShape, generate};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// Runs `heorot spectrum` in `folder`; `@` stands for the folder.
fn spectrum(folder: &Path, line: &str) -> Result<(), String> {
    use clap::Parser;
    let words = line.replace('@', &folder.to_string_lossy());
    let parsed = Line::try_parse_from(["spectrum"].into_iter().chain(words.split_whitespace()));
    let arguments = parsed.map_err(|error| error.to_string())?.arguments;
    measure(&Crew::alone(), &arguments).map_err(|error| format!("{error:#}"))
}

/// Random bodies in a box from 0 to 2.
fn bodies(seed: u64) -> Bodies {
    let uniform =
        Uniform { bodies: 500, seed, mass: 1.0, shape: UniformShape::Box, side: 2.0, virial_ratio: 0.0 };
    let mut bodies = generate(&decomposition::Solo, &Model::Uniform(uniform), 1.0);
    bodies.pos.iter_mut().flatten().for_each(|x| *x = (*x + 1.0).rem_euclid(2.0));
    bodies
}

fn column(text: &str, index: usize) -> Vec<f64> {
    text.lines().skip(1).map(|line| line.split(',').nth(index).unwrap().parse().unwrap()).collect()
}

#[test]
fn the_command_writes_a_table_or_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, box_size: f64, units: Units| {
        let header = Header { time: 2.5, units: Some(units), box_size, ..Header::default() };
        let target = Target::own(folder.path().join(name));
        let (fields, layout) = (Fields::default(), Layout::default());
        Crew::alone().write_snapshot(&target, &header, &bodies(3), fields, &layout).unwrap();
    };
    write("box.hdf5", 2.0, Units::GALACTIC);
    write("code.hdf5", 2.0, Units::NBODY);
    write("open.hdf5", 0.0, Units::GALACTIC);
    let expected = {
        let settings = Settings { grid: 16, folds: vec![2], ..Settings::default() };
        spectral::measure(&decomposition::Solo, &bodies(3), 2.0, &settings).unwrap()
    };
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    spectrum(folder.path(), "@/box.hdf5 -o @/pk.csv --grid 16 --fold 2 --plot @/pk.svg").unwrap();
    let table = read("pk.csv");
    assert!(
        table.starts_with(
            "snapshot,time,k [1/Mpc],power [Mpc^3],error [Mpc^3],shot noise [Mpc^3],modes,fold\n"
        ),
        "{table}"
    );
    assert!(read("pk.svg").contains("P(k) [Mpc³]"));
    assert_eq!(column(&table, 6), expected.bins.iter().map(|bin| bin.modes as f64).collect::<Vec<_>>());
    for (found, bin) in column(&table, 2).iter().zip(&expected.bins) {
        assert!((found / (1000.0 * bin.k) - 1.0).abs() < 1e-9, "{found} {bin:?}");
    }
    spectrum(folder.path(), "@/box.hdf5 -o @/pdf.csv --grid 16 --plot @/pk.pdf --theme dark").unwrap();
    assert!(std::fs::read(folder.path().join("pk.pdf")).unwrap().starts_with(b"%PDF"));
    // Powers are volumes; with h, lengths are in Mpc/h.
    spectrum(folder.path(), "@/open.hdf5 -o @/h.csv --grid 16 --fold 2 --box 2 --hubble 0.5").unwrap();
    for (i, found) in column(&read("h.csv"), 3).into_iter().enumerate() {
        assert!((found / (expected.bins[i].power * 0.125e-9) - 1.0).abs() < 1e-9, "{found}");
    }
    assert!((column(&read("h.csv"), 5)[0] / (8.0 / 500.0 * 0.125e-9) - 1.0).abs() < 1e-9);
    spectrum(folder.path(), "@/code.hdf5 @/code.hdf5 -o @/code.csv --grid 16 --fold 2").unwrap();
    let power: Vec<f64> = expected.bins.iter().map(|bin| bin.power).collect();
    // A file that is named twice is measured once.
    assert_eq!(column(&read("code.csv"), 3), power);
    for (line, expected) in [
        ("@/open.hdf5 -o @/x.csv", "open.hdf5: has no periodic box; give its side as --box"),
        ("@/box.hdf5 -o @/x.csv --box 3", "--box 3.0: the box of"),
        ("@/box.hdf5 -o @/x.csv --box 0", "must be a length above 0"),
        ("@/box.hdf5 -o @/x.csv --grid 0", "--grid = 0: must be an even number from 4"),
        ("@/box.hdf5 -o @/x.csv --grid 16384", "GB of memory"),
        ("@/box.hdf5 -o @/x.csv --fold 4,4", "--fold = 4: must be from 5"),
        ("@/box.hdf5 -o @/x.csv --per-decade 0", "--per-decade = 0: must be from 1"),
        ("@/box.hdf5 -o @/x.csv --types 4", "has no bodies of the types wanted"),
        (
            "@/box.hdf5 @/code.hdf5 -o @/x.csv --grid 16",
            "code.hdf5: is in L, others in Mpc; measure them one by one",
        ),
        ("@/box.hdf5 -o @/x.csv --plot @/x.gif", "must end in .png, .svg or .pdf"),
        ("@/box.hdf5", "--output"),
    ] {
        let error = spectrum(folder.path(), line).unwrap_err();
        assert!(error.contains(expected), "{line} gave: {error}");
    }
    assert!(!folder.path().join("x.csv").exists());
}

#[test]
fn linear_theory_is_beside_the_spectrum_of_a_universe() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string("inputs/lcdm.toml").unwrap();
    let text = text.replace("per_side = 64", "per_side = 16\nfixed_amplitude = true");
    let file = folder.path().join("run.toml");
    std::fs::write(&file, text).unwrap();
    let make::Wanted { initial, units, cosmology, side } = make::model_of(&file).unwrap();
    let Initial::Model(model) = initial else { panic!("no model") };
    let (universe, _) = cosmology.unwrap().universe(&units, treecode::math::ln(0.02));
    let header =
        Header { units: Some(units), universe: Some(universe), box_size: side.unwrap(), ..Header::default() };
    let bodies = generate(&decomposition::Solo, &model, units.gravitational_constant());
    let target = Target::own(folder.path().join("box.hdf5"));
    Crew::alone().write_snapshot(&target, &header, &bodies, Fields::default(), &Layout::default()).unwrap();
    spectrum(folder.path(), "@/box.hdf5 -o @/pk.csv --grid 48 --linear @/run.toml --plot @/pk.svg").unwrap();
    let table = std::fs::read_to_string(folder.path().join("pk.csv")).unwrap();
    assert!(
        table.lines().next().unwrap().ends_with(",fold,linear [(Mpc/h)^3],halofit [(Mpc/h)^3]"),
        "{table}"
    );
    let [redshift, k, power, linear] = [1, 2, 3, 8].map(|index| column(&table, index));
    assert!((redshift[0] - 49.0).abs() < 1e-9 && (k[0] * 50.0 / std::f64::consts::PI - 1.28).abs() < 0.01);
    assert_eq!(linear, column(&table, 9), "all is linear at redshift 49");
    // Modes of fixed amplitude. The difference is that of P at the mean k from the mean of P.
    for i in 1..4 {
        assert!((power[i] / linear[i] - 1.0).abs() < 0.04, "{i}: {} {}", power[i], linear[i]);
    }
    assert!(std::fs::read_to_string(folder.path().join("pk.svg")).unwrap().contains("z = 49"));
    std::fs::write(&file, "[initial]\nmodel = \"plummer\"\nbodies = 10\n").unwrap();
    let error = spectrum(folder.path(), "@/box.hdf5 -o @/x.csv --linear @/run.toml").unwrap_err();
    assert!(error.contains("its model must be \"cosmology\""), "{error}");
}
