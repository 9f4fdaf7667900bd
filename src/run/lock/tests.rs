//! Tests of the lock: who gets it, who is refused, and how the lock of a dead process is taken over.

use super::*;
use crate::ranks::machine;
use std::time::SystemTime;

fn write(path: &Path, owner: &Owner, age: Duration) {
    let file = create(path, owner).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

fn elsewhere() -> Owner {
    Owner { host: "elsewhere".to_owned(), place: Some("elsewhere".to_owned()), ..Owner::new() }
}

fn gone() -> Owner {
    Owner { pid_began: Some(1), ..Owner::new() }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

const LONG: Duration = Duration::from_secs(100);

#[test]
fn a_folder_is_locked_once_and_left_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a/b");
    let lock = Lock::take(&folder).unwrap();
    assert_eq!(names(&folder), [NAME]);
    let message = Lock::take(&folder).err().unwrap().to_string();
    assert!(message.contains("a run is under way here, process "), "{message}");
    lock.check().unwrap();
    drop(lock);
    assert_eq!(names(root.path()), [""; 0], "folders that were made are left");
    let lock = Lock::take(&folder).unwrap();
    fs::write(folder.join("energy.csv"), "").unwrap();
    drop(lock);
    assert_eq!(names(&folder), ["energy.csv"]);
}

#[test]
fn the_dead_are_told_from_the_living() {
    assert_eq!(Owner::new().fate(LONG), Fate::Alive);
    assert_eq!(gone().fate(Duration::ZERO), Fate::Dead);
    assert_eq!(Owner { pid: u32::MAX, ..Owner::new() }.fate(Duration::ZERO), Fate::Dead);
    assert_eq!(elsewhere().fate(Duration::ZERO), Fate::Unsure);
    assert_eq!(elsewhere().fate(LONG), Fate::Dead);
    // A container may have the name of its host, but not its processes.
    let container = Owner { host: machine::host(), pid: 1, ..elsewhere() };
    assert_eq!(container.fate(Duration::ZERO), Fate::Unsure);
}

#[test]
fn a_dead_lock_is_taken_over_with_all_that_the_dead_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second, third) = (gone(), gone(), gone());
    let place = |name: &str| folder.path().join(name);
    write(&place(NAME), &first, Duration::ZERO);
    write(&claim_on(folder.path(), &first.token), &second, Duration::ZERO);
    write(&place(&format!("{NAME}.{}", third.token)), &third, Duration::ZERO);
    fs::write(place("heorot.lock.mine"), "my own").unwrap();
    fs::write(place(&format!("{NAME}.0123456789abcdef")), "").unwrap();
    let lock = Lock::take(folder.path()).unwrap();
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(left, [NAME, "heorot.lock.mine"]);
    drop(lock);
    assert_eq!(names(folder.path()), ["heorot.lock.mine"]);
}

#[test]
fn a_lock_of_another_host_is_left_if_it_is_touched_and_taken_if_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    write(&path, &elsewhere(), Duration::from_secs(5));
    let touched = path.clone();
    let other = std::thread::spawn(move || {
        std::thread::sleep(2 * LOOK);
        File::options().write(true).open(touched).unwrap().set_modified(SystemTime::now()).unwrap();
    });
    let message = Lock::take(folder.path()).err().unwrap().to_string();
    assert!(message.contains("under way here") && message.contains("on elsewhere"), "{message}");
    other.join().unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - LONG).unwrap();
    Lock::take(folder.path()).unwrap();
    // A writer that was killed before it wrote its name.
    for (text, age) in [("", LONG), ("\0\0", LONG)] {
        fs::write(&path, text).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        Lock::take(folder.path()).unwrap();
    }
}

#[test]
fn a_file_of_that_name_that_is_no_lock_is_left() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NAME), "my own notes").unwrap();
    let message = Lock::take(folder.path()).err().unwrap().to_string();
    assert!(message.contains("is no lock of a run"), "{message}");
    assert_eq!(names(folder.path()), [NAME]);
    fs::remove_file(folder.path().join(NAME)).unwrap();
    fs::create_dir(folder.path().join(NAME)).unwrap();
    Lock::take(folder.path()).err().unwrap();
}

#[test]
fn whoever_was_taken_for_dead_finds_out() {
    let folder = tempfile::tempdir().unwrap();
    let lock = Lock::take(folder.path()).unwrap();
    fs::remove_file(folder.path().join(NAME)).unwrap();
    lock.check().unwrap();
    assert_eq!(names(folder.path()), [NAME], "it was not made again");
    let other = elsewhere();
    fs::remove_file(folder.path().join(NAME)).unwrap();
    write(&folder.path().join(NAME), &other, Duration::ZERO);
    let message = lock.check().unwrap_err().to_string();
    assert!(message.contains("on elsewhere has taken over the folder"), "{message}");
    drop(lock);
    let entry = Entry::read(&folder.path().join(NAME)).unwrap().unwrap();
    assert_eq!(entry.owner, Some(other), "the other's lock was touched");
}

#[test]
fn of_many_takers_at_once_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let holders = std::sync::atomic::AtomicUsize::new(0);
    let wins = std::sync::atomic::AtomicUsize::new(0);
    for round in 0..40 {
        // Every other round finds a dead lock, or a dead claim on one.
        let dead = gone();
        if round % 2 == 1 {
            write(&folder.path().join(NAME), &dead, Duration::ZERO);
        }
        if round % 4 == 3 {
            write(&claim_on(folder.path(), &dead.token), &gone(), Duration::ZERO);
        }
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let Ok(lock) = Lock::take(folder.path()) else { return };
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two hold the lock");
                    std::thread::sleep(Duration::from_millis(1));
                    lock.check().unwrap();
                    holders.fetch_sub(1, Ordering::SeqCst);
                    wins.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(names(folder.path()), [""; 0], "round {round}");
    }
    assert!(wins.load(Ordering::SeqCst) >= 40);
}
