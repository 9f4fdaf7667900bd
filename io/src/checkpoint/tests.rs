//! Tests of checkpoints: any number of ranks reads back every bit, and damage is found.

use super::*;
use decomposition::{Solo, threads};
use std::fs;
use tempfile::TempDir;
use treecode::{Number, Purpose};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    step: u64,
    time: f64,
    name: String,
}

fn state() -> State {
    State { step: u64::MAX, time: 0.1 + 0.2, name: "a \"name\"\n".to_owned() }
}

/// Bodies whose numbers are all different. They fill more than two pieces.
fn bodies() -> Bodies {
    let n = 2 * PIECE + 1000;
    let mut bodies = Bodies::zeroed(n);
    for name in ["age", "metallicity"] {
        bodies.add_column(About::new(name, Number::F32, None, Purpose::Passenger));
    }
    for i in 0..n {
        bodies.kind[i] = (i % 6) as u8;
        bodies.mass[i] = 1.0 / (i + 1) as f64;
        bodies.pot[i] = -(i as f64).sqrt();
        bodies.work[i] = i as f32 * 0.5;
        bodies.rung[i] = (i % 9) as u8;
        bodies.column_mut::<f32>("age").expect("it was added")[i] = i as f32 * 0.25;
        for axis in 0..3 {
            bodies.pos[axis][i] = (i * 3 + axis) as f64 / 3.0;
            bodies.vel[axis][i] = -0.0;
            bodies.acc[axis][i] = (i * 7 + axis) as f64 / 7.0;
        }
    }
    bodies
}

fn written() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let length = write(&path, &state(), &bodies(), &Solo).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    (folder, path)
}

fn read_all(path: &Path, ranks: usize) -> Result<Bodies, Error> {
    let checkpoint = Checkpoint::<State>::open(path)?;
    let mut all = Bodies::default();
    for rank in 0..ranks {
        all.append(&checkpoint.read(rank, ranks)?);
    }
    Ok(all)
}

#[test]
fn any_number_of_ranks_reads_back_every_bit() {
    let (folder, path) = written();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a part is left");
    let checkpoint = Checkpoint::<State>::open(&path).unwrap();
    assert_eq!((checkpoint.state.clone(), checkpoint.bodies()), (state(), bodies().len() as u64));
    for ranks in [1, 2, 3, 7] {
        assert_eq!(read_all(&path, ranks).unwrap(), bodies());
    }
    let told = size(checkpoint.bodies(), 8) as f64;
    assert!((fs::metadata(&path).unwrap().len() as f64 / told - 1.0).abs() < 1e-3);
}

#[test]
fn any_number_of_ranks_writes_the_pieces_of_all() {
    let (folder, all) = (tempfile::tempdir().unwrap(), bodies());
    for ranks in [2, 3, 5] {
        let path = folder.path().join(ranks.to_string());
        let lengths = threads::run(ranks, |comm| {
            // The second rank has nothing.
            let end = |rank: usize| all.len() * rank.saturating_sub(1) / (ranks - 1);
            let (first, end) =
                if comm.rank() == 0 { (0, 0) } else { (end(comm.rank()), end(comm.rank() + 1)) };
            let mut mine = all.clone();
            mine.permute(&(first as u32..end as u32).collect::<Vec<_>>());
            write(&path, &state(), &mine, comm).unwrap()
        });
        assert_eq!((lengths[0], lengths[1..].iter().sum()), (fs::metadata(&path).unwrap().len(), 0));
        assert_eq!(read_all(&path, 2).unwrap(), all);
    }
    let message = threads::run(3, |comm| {
        write(&folder.path().join("none/checkpoint"), &state(), &all, comm).unwrap_err().to_string()
    });
    assert!(
        message.iter().all(|text| text.ends_with("cannot write: No such file or directory (os error 2)"))
    );
}

#[test]
fn no_flipped_bit_and_no_missing_byte_goes_unseen() {
    let (_folder, path) = written();
    let whole = fs::read(&path).unwrap();
    let n = whole.len();
    let places =
        [0, 10, 21, TITLE.len(), TITLE.len() + 8, n / 3, n / 2, n - 400, n - 17, n - 16, n - 9, n - 8, n - 1];
    for place in places {
        let mut bytes = whole.clone();
        bytes[place] ^= 4;
        fs::write(&path, &bytes).unwrap();
        let message = read_all(&path, 2).expect_err(&format!("byte {place} of {n}")).to_string();
        assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    for length in [0, 5, TITLE.len(), TITLE.len() + TRAILER, n / 2, n - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        read_all(&path, 1).expect_err(&format!("{length} bytes of {n}"));
    }
    fs::write(&path, &whole).unwrap();
    read_all(&path, 1).unwrap();
}

#[test]
fn damage_is_told_from_another_version() {
    let (_folder, path) = written();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let message = read_all(&path, 1).unwrap_err().to_string();
    assert!(message.ends_with("is damaged: the checksum of piece 2 of 3 is wrong"), "{message}");
    bytes[TITLE.len() - 5] = b'9';
    fs::write(&path, &bytes).unwrap();
    let message = read_all(&path, 1).unwrap_err().to_string();
    assert!(message.ends_with("was written by another version of the program"), "{message}");
}

#[test]
fn a_folder_that_is_not_there_is_named_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/checkpoint");
    let message = write(&path, &state(), &bodies(), &Solo).unwrap_err().to_string();
    assert_eq!(message, format!("{}: cannot write: No such file or directory (os error 2)", path.display()));
    fs::create_dir_all(&path).unwrap(); // a folder has the name
    write(&path, &state(), &bodies(), &Solo).unwrap_err();
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}
