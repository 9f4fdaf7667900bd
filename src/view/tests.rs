//! Tests of `heorot view`: the page, its choice of bodies, and the server.

use super::*;
use crate::ranks::crew::Crew;
use clap::Parser;
use io::Units;
use io::snapshot::{Fields, Header, IDS_INVENTED, Layout};
use std::io::{Read, Write};
use std::path::Path;
use treecode::Bodies;
use treecode::TYPES;
use treecode::math::hash;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &[&str]) -> Result<Arguments, String> {
    let parsed = Line::try_parse_from(["view"].iter().chain(line));
    parsed.map(|line| line.arguments).map_err(|error| error.to_string())
}

/// `n` bodies of types 1 and 2 on a line, moved by `shift`. The last one is faster than the others.
fn bodies(n: usize, shift: f64) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(1.0);
    for i in 0..n {
        bodies.kind[i] = 1 + (i % 2) as u8;
        bodies.pos[0][i] = i as f64 + shift;
        bodies.vel[1][i] = if i + 1 == n { -3.0 } else { 1.0 };
    }
    bodies
}

fn write_snapshot(path: &Path, time: f64, bodies: &Bodies) {
    let header = Header { time, units: Some(Units::GALACTIC), ..Header::default() };
    Crew::alone()
        .write_snapshot(&io::Target::own(path), &header, bodies, Fields::default(), &Layout::default())
        .unwrap();
}

fn scene(frames: &[Bodies]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = (0..frames.len()).map(|i| folder.path().join(format!("s{i}.hdf5"))).collect::<Vec<_>>();
    paths
        .iter()
        .zip(frames)
        .zip(1..)
        .for_each(|((path, bodies), i)| write_snapshot(path, f64::from(i), bodies));
    (folder, paths)
}

fn clip(paths: &[PathBuf], kinds: [bool; TYPES], most: usize) -> Result<Clip> {
    let sequence = Sequence::open(paths, kinds, false)?;
    Clip::new(sequence, most, &[])
}

#[test]
fn the_legend_has_the_names_of_galaxies() {
    let (_folder, paths) = scene(&[bodies(20, 0.0)]);
    let wished = arguments(&["a", "-o", "b.html", "--galaxies", "A=0-9,10-19"]).unwrap();
    let sequence = Sequence::open(&paths, [true; TYPES], false).unwrap();
    let clip = Clip::new(sequence, 100, &wished.galaxies).unwrap();
    let page = clip.description.page(|number| clip.frame(number)).unwrap();
    assert!(page.contains(r#""galaxy_names":["A","galaxy 2"]"#));
}

/// Positions [L] and speeds (1 to 255, or 0) of the chosen bodies, decoded as on the page.
fn decode(clip: &Clip, frame: usize) -> Vec<([f64; 3], u8)> {
    let n = clip.description.choice.len();
    let bytes = clip.frame(frame).unwrap().bytes(0..n);
    let body = |i: usize| {
        let place = std::array::from_fn(|axis| {
            let at = 3 * i + axis;
            let high = u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]);
            let steps = f64::from(u32::from(high) << 8 | u32::from(bytes[6 * n + at]));
            clip.description.choice.corner[axis]
                + clip.description.choice.side * steps / f64::from((1 << 24) - 1)
        });
        (place, bytes[9 * n + i])
    };
    (0..n).map(body).collect()
}

#[test]
fn all_bodies_of_all_snapshots_are_where_they_were() {
    let (_folder, paths) = scene(&[bodies(100, 0.0), bodies(100, 50.0)]);
    let clip = clip(&paths, [true; TYPES], 1000).unwrap();
    assert_eq!((clip.description.choice.len(), clip.description.choice.total), (100, 100));
    let frames = [0, 1].map(|frame| decode(&clip, frame));
    let mut order: Vec<usize> = (0..100).collect();
    order.sort_by_key(|&i| hash(i as u64));
    for (place, i) in order.into_iter().enumerate() {
        for (frame, shift) in frames.iter().zip([0.0, 50.0]) {
            let (position, speed) = frame[place];
            assert!((position[0] - i as f64 - shift).abs() < 1e-5 && position[1] == 0.0, "{position:?}");
            assert_eq!(speed, if i == 99 { 255 } else { 1 + (254.0f64 / 3.0).round() as u8 });
        }
        assert_eq!(clip.description.choice.kinds[place], 1 + (i % 2) as u8);
    }
}

/// The cube of the page is the box. Bodies outside are moved inside.
#[test]
fn a_periodic_box_is_the_cube_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("box.hdf5");
    let header = Header { units: Some(Units::GALACTIC), box_size: 40.0, ..Header::default() };
    let (target, fields) = (io::Target::own(&path), Fields::default());
    Crew::alone().write_snapshot(&target, &header, &bodies(30, 15.0), fields, &Layout::default()).unwrap();
    let clip = clip(&[path], [true; TYPES], 100).unwrap();
    let choice = &clip.description.choice;
    assert_eq!((choice.corner, choice.side, choice.is_box), ([0.0; 3], 40.0, true));
    let mut places: Vec<f64> = decode(&clip, 0).iter().map(|(position, _)| position[0]).collect();
    places.sort_by(f64::total_cmp);
    let expected = (0..5).chain(15..40);
    assert!(places.len() == 30 && places.iter().zip(expected).all(|(x, i)| (x - f64::from(i)).abs() < 1e-5));
    assert!(clip.description.served_page().contains("\"periodic\":true"));
}

/// The same bodies are chosen in every snapshot. Each has the same chance, so their mean agrees
/// with that of all within the sampling error.
#[test]
fn a_choice_is_fair_and_the_same_in_all_snapshots() {
    let n = 20_000;
    let (_folder, paths) = scene(&[bodies(n, 0.0), bodies(n, 1e5)]);
    let clip = clip(&paths, [true; TYPES], 1000).unwrap();
    let [a, b] = [0, 1].map(|frame| decode(&clip, frame));
    assert_eq!(a.len(), 1000);
    assert!(a.iter().zip(&b).all(|(a, b)| (b.0[0] - a.0[0] - 1e5).abs() < 0.1));
    let mean = a.iter().map(|(position, _)| position[0] / n as f64).sum::<f64>() / 1000.0;
    assert!((mean - 0.5).abs() < 4.0 / (12.0f64 * 1000.0).sqrt(), "mean place {mean}");
    let second = clip.description.choice.kinds.iter().filter(|&&kind| kind == 2).count();
    assert!(second.abs_diff(500) < 64, "{second} of 1000 are of type 2");
}

#[test]
fn bodies_that_come_and_go_are_absent_meanwhile() {
    let mut few = bodies(10, 0.0);
    few.keep(0..4);
    let (_folder, paths) = scene(&[few, bodies(10, 0.0)]);
    let clip = clip(&paths, [true; TYPES], 100).unwrap();
    let there = |frame: usize| decode(&clip, frame).iter().filter(|(_, speed)| *speed > 0).count();
    assert_eq!((clip.description.choice.len(), there(0), there(1)), (10, 4, 10));
}

#[test]
fn types_are_left_out_and_odd_sets_of_bodies_shown() {
    let (_folder, paths) = scene(&[bodies(10, 0.0)]);
    let only = |kind: usize| std::array::from_fn(|other| other == kind);
    assert_eq!(clip(&paths, only(2), 100).unwrap().description.choice.kinds, [2; 5]);
    let error = clip(&paths, only(4), 100).err().unwrap().to_string();
    assert!(error.contains("no bodies of type 4"), "{error}");

    let mut point = bodies(50, 0.0);
    point.pos[0].fill(7.0);
    point.vel[1].fill(0.0);
    let (_folder, paths) = scene(&[point]);
    let clip = clip(&paths, [true; TYPES], 100).unwrap();
    assert!(decode(&clip, 0).iter().all(|(position, speed)| position[0] == 7.0 && *speed == 1));
    assert!(clip.description.choice.radius > 0.0 && clip.description.choice.side == 1.0);
}

/// A snapshot with duplicate ids can be viewed alone, but its bodies cannot be followed.
#[test]
fn ids_that_occur_twice_matter_only_in_a_sequence() {
    let mut twins = bodies(10, 0.0);
    twins.id.fill(3);
    let (_folder, paths) = scene(&[twins.clone(), twins]);
    assert_eq!(clip(&paths[..1], [true; TYPES], 100).unwrap().description.choice.len(), 10);
    let error = clip(&paths, [true; TYPES], 100).err().unwrap().to_string();
    assert!(error.contains("the id 3 occurs twice"), "{error}");
}

/// Ids invented from the order in a file are valid in another file only if both were written from
/// the same initial conditions.
#[test]
fn ids_that_were_invented_follow_no_body_into_another_set() {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, kinds: &[u8]| {
        let path = folder.path().join(name);
        let rows: String =
            kinds.iter().enumerate().map(|(i, kind)| format!("1 {i} 0 0 0 0 0 {kind}\n")).collect();
        std::fs::write(&path, format!("mass x y z vx vy vz type\n{rows}")).unwrap();
        path
    };
    let [a, b, c, d] = [("a", [1, 1, 2]), ("b", [1, 1, 2]), ("c", [1, 2, 2]), ("d", [4, 1, 2])]
        .map(|(name, kinds)| table(name, &kinds));
    let (folder, with_ids) = scene(&[bodies(3, 0.0)]);
    let written = |name: &str, source: &str| {
        let path = folder.path().join(name);
        let parameters = [(IDS_INVENTED, "true"), ("initial.file", source)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let header =
            Header { units: Some(Units::GALACTIC), parameters: parameters.into(), ..Header::default() };
        let (target, bodies) = (io::Target::own(&path), bodies(3, 0.0));
        let (fields, layout) = (Fields::default(), Layout::default());
        Crew::alone().write_snapshot(&target, &header, &bodies, fields, &layout).unwrap();
        path
    };
    let [first, second] = ["first.hdf5", "second.hdf5"].map(|name| written(name, "a.std"));
    let other = written("other.hdf5", "b.std");
    assert_eq!(clip(&[first.clone(), second], [true; TYPES], 100).unwrap().description.choice.len(), 3);
    for pair in [[a.clone(), b], [a.clone(), c], [a, d], [with_ids[0].clone(), first.clone()], [first, other]]
    {
        let error = clip(&pair, [true; TYPES], 100).err().unwrap().to_string();
        assert!(error.contains("cannot be told to be those of"), "{pair:?}: {error}");
        pair.iter().for_each(|one| drop(clip(std::slice::from_ref(one), [true; TYPES], 100).unwrap()));
    }
}

#[test]
fn a_page_is_whole_and_names_cannot_break_it() {
    let (folder, paths) = scene(&[bodies(10, 0.0), bodies(10, 1.0)]);
    let odd = folder.path().join("<script>alert(1).hdf5");
    std::fs::rename(&paths[0], &odd).unwrap();
    let page = folder.path().join("view.html");
    let names = [&odd, &paths[1], &page].map(|path| path.to_str().unwrap());
    main(&arguments(&[names[0], names[1], "-o", names[2]]).unwrap()).unwrap();
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(!text.contains("<script>alert") && !text.contains("{{"));
    assert_eq!(text.matches("application/base64").count(), 3);
    // No address anywhere: the page needs no network.
    assert!(!text.contains("http:") && !text.contains("https:") && text.contains("default-src 'none'"));
}

#[test]
fn what_cannot_be_shown_is_said_in_one_line() {
    let (folder, paths) = scene(&[bodies(10, 0.0)]);
    let path = paths[0].to_str().unwrap();
    let page = folder.path().join("none/view.html");
    let error = main(&arguments(&[path, "-o", page.to_str().unwrap()]).unwrap()).unwrap_err();
    assert!(error.to_string().contains("No such file or directory"), "{error}");
    for (line, expected) in [
        (&[path][..], "--output"),
        (&["-o", "x.html"], "SNAPSHOT"),
        (&[path, "-o", "x.html", "--serve"], "cannot be used with"),
        (&[path, "-o", "x.html", "--port", "80"], "cannot be used with"),
        (&[path, "-o", "x.html", "--bodies", "0"], "0"),
    ] {
        let error = arguments(line).unwrap_err();
        assert!(error.contains(expected), "{line:?} gave: {error}");
    }
}

/// The response of a server at this port to a request for `path` with this host name.
fn ask(port: u16, host: &str, path: &str) -> (String, Vec<u8>) {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}

#[test]
fn the_server_gives_pieces_to_this_machine_only() {
    let (_folder, paths) = scene(&[bodies(10, 0.0), bodies(10, 1.0)]);
    let clip = clip(&paths, [true; TYPES], 100).unwrap();
    let (expected, kinds) = (clip.frame(1).unwrap().bytes(0..10), clip.description.choice.kinds.clone());
    let (tell, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || server::serve(clip, 0, |address| tell.send(address).unwrap()));
    let address = port.recv().unwrap();
    assert!(address.ip().is_loopback());
    let get = |host, path| ask(address.port(), host, path);
    let (head, page) = get("127.0.0.1", "/");
    assert!(
        head.starts_with("HTTP/1.1 200") && String::from_utf8(page).unwrap().contains("connect-src 'self'")
    );
    assert_eq!(get("localhost:1", "/kinds").1, kinds);
    assert_eq!(get("127.0.0.1", "/frames/1/0").1, expected);
    for path in ["/frames/2/0", "/frames/0/1", "/frames/x/0", "/etc/passwd"] {
        let status = get("127.0.0.1", path).0;
        assert!(status.starts_with("HTTP/1.1 40"), "{path}: {status}");
    }
    for host in ["localhost", "127.0.0.1:8080", "localhost:65535"] {
        assert!(get(host, "/kinds").0.starts_with("HTTP/1.1 200"), "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "localhost:80.evil.example",
        "localhost:evil",
        "localhost:",
        "localhost:65536",
        "localhost:80:80",
        "localhost.",
        "127.0.0.1.evil.example:8080",
        "127.0.0.11",
        "127.1",
        "[::1]",
        "0.0.0.0",
        "user@localhost",
        "",
        "localhost\r\nHost: evil.example",
        "evil.example\r\nHost: localhost",
    ] {
        let status = get(host, "/kinds").0;
        assert!(status.starts_with("HTTP/1.1 40"), "{host:?}: {status}");
    }
    // All responses forbid browsers to pass them to other pages.
    for (host, path) in
        [("localhost", "/"), ("localhost", "/kinds"), ("localhost", "/none"), ("evil.example", "/")]
    {
        let head = get(host, path).0.to_lowercase();
        for line in [
            "x-content-type-options: nosniff",
            "cross-origin-resource-policy: same-origin",
            "frame-ancestors 'none'",
            "default-src 'none'",
        ] {
            assert!(head.contains(line), "{host}{path} has no {line}: {head}");
        }
    }
}
