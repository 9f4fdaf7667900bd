//! The lines of Python that open a snapshot with other programs.

use io::Units;
use io::snapshot::{Format, Header};
use serde::Serialize;
use std::path::PathBuf;

/// How a program opens the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Opener {
    /// The program.
    pub(super) program: &'static str,
    /// Lines of Python.
    pub(super) lines: Vec<String>,
}

/// Up to this relative difference, yt's default units are used for the file. The solar mass of yt
/// differs from that of the IAU by 3e-6.
const SAME: f64 = 1e-5;
/// Half the side of the box that is passed to yt, relative to the greatest coordinate.
const MARGIN: f64 = 1.05;

/// The programs that open a snapshot in these files. `ranges` are the least and greatest
/// coordinates on each axis.
pub(super) fn openers(files: &[PathBuf], header: &Header, ranges: Option<[[f64; 2]; 3]>) -> Vec<Opener> {
    let swift = match header.format {
        Format::Gadget => false,
        Format::Swift => true,
        _ => return Vec::new(),
    };
    // Text in JSON is also text in Python.
    let quoted = |name: &str| serde_json::Value::from(name).to_string();
    let first = files[0].display().to_string();
    let (before, after) = first.rsplit_once(".0").filter(|_| files.len() > 1).unwrap_or((&first, ""));
    // pynbody finds all files only from the beginning of `NAME.0.hdf5`.
    let common = quoted(if after == ".hdf5" { before } else { &first });
    let name = quoted(&first);
    let mut all = Vec::new();
    if swift && files.len() > 1 {
        let program = "yt and swiftsimio";
        let make = format!(
            "# single files only; join these {} with: heorot convert IN OUT.hdf5 --format swift",
            files.len()
        );
        all.push(Opener { program, lines: vec![make] });
    } else {
        all.push(yt(&name, header, swift, ranges));
        if swift {
            let lines = vec!["import swiftsimio".to_owned(), format!("data = swiftsimio.load({name})")];
            all.push(Opener { program: "swiftsimio", lines });
        }
    }
    let kind = header.count.iter().position(|count| *count > 0).unwrap_or(1);
    all.extend([pynbody(&common, header), h5py(&quoted(before), &quoted(after), files.len(), kind)]);
    all
}

/// h5py opens one file. `before` and `after` are the parts of a name around the number of the file.
fn h5py(before: &str, after: &str, files: usize, kind: usize) -> Opener {
    let data = format!("PartType{kind}/Coordinates");
    let lines = if files == 1 {
        vec!["import h5py".to_owned(), format!("positions = h5py.File({before})[\"{data}\"][:]")]
    } else {
        vec![
            "import h5py, numpy".to_owned(),
            format!("files = [h5py.File({before} + f\".{{i}}\" + {after}) for i in range({files})]"),
            format!(
                "positions = numpy.concatenate([file[\"{data}\"] for file in files if \"{data}\" in file])"
            ),
        ]
    };
    Opener { program: "h5py", lines }
}

/// yt takes the extent of the bodies for a box if an isolated system has none, and then finds no
/// sphere. It takes kpc, 1e10 solar masses and km/s for the units of GADGET.
fn yt(name: &str, header: &Header, swift: bool, ranges: Option<[[f64; 2]; 3]>) -> Opener {
    let mut load = format!("ds = yt.load({name}");
    if !swift {
        if let Some(reach) = ranges.filter(|_| header.box_size == 0.0).and_then(reach) {
            load += &format!(", bounding_box=[[-{reach}, {reach}]] * 3");
        }
        if let Some(units) = header.units.filter(|units| !are_those_of_yt(units)) {
            load += &format!(
                ", unit_base={{\"UnitLength_in_cm\": {:e}, \"UnitMass_in_g\": {:e}, \"UnitVelocity_in_cm_per_s\": {:e}}}",
                units.length_in_cm, units.mass_in_g, units.velocity_in_cm_per_s
            );
        }
    }
    let fields = "(\"all\", \"particle_position_x\"), (\"all\", \"particle_position_y\"), (\"all\", \"particle_mass\")";
    Opener {
        program: "yt",
        lines: vec!["import yt".to_owned(), load + ")", format!("yt.ParticlePlot(ds, {fields}).save()")],
    }
}

/// Half the side of a box about the origin that contains all coordinates, with few digits.
fn reach(ranges: [[f64; 2]; 3]) -> Option<String> {
    let largest = ranges.iter().flatten().fold(0.0f64, |most, x| most.max(x.abs()));
    (largest > 0.0 && largest.is_finite()).then(|| {
        let rounded: f64 = format!("{:.2e}", largest * MARGIN).parse().expect("a number was written");
        if (1e-3..1e7).contains(&rounded) { rounded.to_string() } else { format!("{rounded:e}") }
    })
}

fn are_those_of_yt(units: &Units) -> bool {
    let theirs = Units::GALACTIC;
    [
        (units.length_in_cm, theirs.length_in_cm),
        (units.mass_in_g, theirs.mass_in_g),
        (units.velocity_in_cm_per_s, theirs.velocity_in_cm_per_s),
    ]
    .iter()
    .all(|(ours, theirs)| (ours / theirs - 1.0).abs() < SAME)
}

/// pynbody takes types 2 and 3 for dark matter unless a file tells otherwise.
fn pynbody(name: &str, header: &Header) -> Opener {
    let mut lines = vec!["import pynbody".to_owned(), format!("s = pynbody.load({name})")];
    if header.count[2] + header.count[3] > 0 {
        let file = "[gadgethdf-type-mapping]\\ngas: PartType0\\ndm: PartType1\\nstar: PartType2, PartType3, PartType4\\nbh: PartType5\\n";
        lines.insert(
            0,
            format!(
                "import os; os.path.exists(\"config.ini\") or open(\"config.ini\", \"w\").write(\"{file}\")  # keeps a config.ini, which must map types 2 to 4 to star"
            ),
        );
    }
    Opener { program: "pynbody", lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(header: &Header, program: &str) -> Vec<String> {
        let ranges = Some([[-1.0, 2.0], [-300.0, 0.0], [0.0, 0.0]]);
        let all = openers(&[PathBuf::from("a \"b\".hdf5")], header, ranges);
        all.into_iter().find(|opener| opener.program == program).map_or(Vec::new(), |opener| opener.lines)
    }

    #[test]
    fn yt_gets_a_box_and_units_only_if_it_needs_them() {
        let isolated =
            Header { units: Some(Units::GALACTIC), count: [0, 1, 0, 0, 0, 0], ..Header::default() };
        let load = |header: &Header| lines(header, "yt")[1].clone();
        assert_eq!(load(&isolated), "ds = yt.load(\"a \\\"b\\\".hdf5\", bounding_box=[[-315, 315]] * 3)");
        let in_box = Header { box_size: 500.0, ..isolated.clone() };
        assert_eq!(load(&in_box), "ds = yt.load(\"a \\\"b\\\".hdf5\")");
        let parsecs = Header {
            units: Some(Units { length_in_cm: 3.0856e18, mass_in_g: 1.988e33, velocity_in_cm_per_s: 1e5 }),
            ..isolated.clone()
        };
        let end = "unit_base={\"UnitLength_in_cm\": 3.0856e18, \"UnitMass_in_g\": 1.988e33, \"UnitVelocity_in_cm_per_s\": 1e5})";
        assert!(load(&parsecs).ends_with(end), "{}", load(&parsecs));
        let swift = Header { format: Format::Swift, ..parsecs };
        assert_eq!(load(&swift), "ds = yt.load(\"a \\\"b\\\".hdf5\")");
        assert_eq!((lines(&swift, "swiftsimio").len(), lines(&isolated, "swiftsimio").len()), (2, 0));
        assert!(lines(&Header { format: Format::Tipsy, ..isolated }, "yt").is_empty());
    }

    #[test]
    fn several_files_are_all_opened() {
        let open = |format, program: &str| {
            let header = Header { format, count: [0, 9, 0, 0, 0, 0], ..Header::default() };
            let files = ["out/a.0.hdf5", "out/a.1.hdf5"].map(PathBuf::from);
            let all = openers(&files, &header, None).into_iter();
            all.filter(|opener| opener.program == program).flat_map(|opener| opener.lines).collect::<String>()
        };
        for format in [Format::Gadget, Format::Swift] {
            assert!(open(format, "pynbody").contains("load(\"out/a\")"));
            assert!(
                open(format, "h5py")
                    .contains("h5py.File(\"out/a\" + f\".{i}\" + \".hdf5\") for i in range(2)")
            );
        }
        assert!(open(Format::Gadget, "yt").contains("load(\"out/a.0.hdf5\""));
        assert_eq!(open(Format::Swift, "swiftsimio") + &open(Format::Swift, "yt"), "", "they read one file");
    }

    #[test]
    fn pynbody_is_told_about_discs() {
        let halo = Header { count: [0, 1, 0, 0, 0, 0], ..Header::default() };
        assert_eq!(lines(&halo, "pynbody").len(), 2);
        let galaxy = Header { count: [0, 1, 1, 0, 0, 0], ..Header::default() };
        assert!(lines(&galaxy, "pynbody")[0].contains("star: PartType2, PartType3, PartType4"));
    }
}
