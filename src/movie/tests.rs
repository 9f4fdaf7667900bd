//! Tests of `[movie]`: frames are the same on any number of ranks, and after a restart.

use super::*;
use decomposition::threads;

/// A steep clump: `n` bodies of type 1, and 3000 of type 2 in one corner, few enough to be
/// measured exactly.
fn clump(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n + 3000);
    for i in 0..bodies.len() {
        let place = |salt: usize| ((i * 7919 + salt) * 104_729 % 65_537) as f64 / 65_537.0;
        let corner = if i < n { 0.0 } else { 0.2 };
        (0..3).for_each(|axis| {
            bodies.pos[axis][i] = 3.0 * (place(axis * 31) - 0.5).powi(3) + corner * (1.0 + place(axis));
        });
        bodies.kind[i] = if i < n { 1 } else { 2 };
        bodies.mass[i] = 1.0 + (i % 5) as f64;
    }
    bodies
}

/// The bytes of the first frame, drawn on `ranks` ranks. `owner` gives the rank of each body.
fn frame(
    all: &Bodies,
    movie: &Movie,
    ranks: usize,
    owner: &(impl Fn(usize) -> usize + Sync),
) -> Option<Vec<u8>> {
    let frames = threads::run(ranks, |comm| {
        let crew = Crew { comm, ..Crew::alone() };
        let mut mine = all.clone();
        let wanted = |i: &u32| owner(*i as usize) == comm.rank();
        mine.permute(&(0..all.len() as u32).filter(wanted).collect::<Vec<_>>());
        let mut filming = Filming::new(&crew, movie, io::Units::NBODY, [0.0, 1.0], Domain::Open, false);
        filming.frame(0, 0.0, &mine).unwrap().map(|(png, _)| png)
    });
    assert!(frames[1..].iter().all(Option::is_none), "a rank that does not lead has a frame");
    frames.into_iter().next().unwrap()
}

/// Two bodies of a type that move, on a background: with `trails` the path of each is drawn, on any
/// number of ranks, and also if the run is continued between frames.
#[test]
fn paths_of_dots_are_drawn_and_continued() {
    let at = |step: usize| {
        let mut all = clump(3000);
        all.kind.fill(1);
        let mut holes = Bodies::zeroed(2);
        for i in 0..2 {
            (holes.kind[i], holes.mass[i], holes.id[i]) = (5, 1.0, 20_000 + i as u64);
            (holes.pos[0][i], holes.pos[1][i]) = (0.2 * step as f64 - 0.6, 0.4 - 0.8 * i as f64);
        }
        all.append(&holes);
        all
    };
    let pixels = |movie: &Movie, ranks: usize, stop: Option<usize>| {
        let frames = threads::run(ranks, |comm| {
            let crew = Crew { comm, ..Crew::alone() };
            let make = || Filming::new(&crew, movie, io::Units::NBODY, [0.0, 4.0], Domain::Open, false);
            let mut filming = make();
            let mut last = None;
            for step in 0..5 {
                let mut mine = at(step);
                let wanted = |i: &u32| *i as usize % ranks == comm.rank();
                mine.permute(&(0..mine.len() as u32).filter(wanted).collect::<Vec<_>>());
                let time = 0.5 * step as f64;
                let frame = filming.frame(filming.number(time), time, &mine).unwrap();
                if stop == Some(step) {
                    // Of a frame after the checkpoint nothing remains.
                    let text = filming.trails().map_or(Vec::new(), Trails::to_text);
                    let common = frame.as_ref().map(|(_, common)| *common);
                    let numbers = common.map_or(Vec::new(), Common::to_numbers);
                    let numbers = collective::gather(comm, &numbers).concat();
                    let common = Common::from_numbers(&numbers);
                    let saved = if comm.rank() == 0 { Trails::read(&text) } else { Trails::default() };
                    filming = make().resume(0.5 * step as f64, common, saved);
                }
                last = frame;
            }
            last.map(|(png, _)| decode_png(&png).unwrap().pixels().to_vec())
        });
        frames.into_iter().next().unwrap().expect("the leading rank has the frame")
    };
    let width = r#", "width": 2.0, "centre": [0.0, 0.0, 0.0]"#;
    let (plain, trails) = (movie(width), movie(&format!(r#"{width}, "trails": true"#)));
    let (without, with) = (pixels(&plain, 1, None), pixels(&trails, 1, None));
    let differs = |x: usize, y: usize| with[200 * y + x] != without[200 * y + x];
    // From -0.6 to 0.2 at heights 0.4 and -0.4, at 100 pixels a unit.
    for x in [45, 60, 75, 95] {
        assert!((38..43).any(|y| differs(x, y)) && (118..123).any(|y| differs(x, y)), "{x}");
    }
    assert!((0..160).all(|y| !differs(30, y) && !differs(130, y)), "beyond the ends of the paths");
    for (ranks, stop) in [(3, None), (1, Some(0)), (1, Some(2)), (2, Some(3))] {
        assert!(pixels(&trails, ranks, stop) == with, "{ranks} ranks, continued at {stop:?}");
    }
}

fn movie(more: &str) -> Movie {
    serde_json::from_str(&format!(r#"{{ "every": 0.5, "size": [200, 160]{more} }}"#)).unwrap()
}

/// The ends of the colours are numbers of the colour bar, or have units.
#[test]
fn ranges_have_units() {
    let range = |range: &str, units: io::Units| {
        let movie: Movie = serde_json::from_str(&format!(
            r#"{{"every": 1.0, "size": [160, 160], "width": 200.0, "range": {range}}}"#
        ))
        .map_err(|fault| fault.to_string())?;
        movie.check(&units).map_err(|fault| fault.to_string())?;
        let text = serde_json::to_string(&movie).unwrap();
        assert_eq!(serde_json::from_str::<Movie>(&text).unwrap(), movie, "kept in {text}");
        let crew = Crew::alone();
        let mut filming = Filming::new(&crew, &movie, units, [0.0, 1.0], Domain::Open, false);
        filming.frame(0, 0.0, &clump(9000)).map_err(|fault| fault.to_string())?;
        Ok::<_, String>(filming.range.unwrap())
    };
    let galactic = io::Units::GALACTIC;
    // The colour bar has solar masses per square kiloparsec.
    let numbers = range("[1e6, 100000000]", galactic).unwrap();
    assert!((numbers[0] / 1e-4 - 1.0).abs() < 1e-6 && (numbers[1] / 1e-2 - 1.0).abs() < 1e-6, "{numbers:?}");
    for with_units in [r#"["1 Msun/pc^2", "1e2 Msun/pc^2"]"#, r#"[1e6, "1e8 Msun/kpc^2"]"#] {
        let found = range(with_units, galactic).unwrap();
        for (found, number) in found.iter().zip(numbers) {
            assert!((found / number - 1.0).abs() < 1e-6, "{with_units}: {found} and {number}");
        }
    }
    for (wrong, units, words) in [
        (r#"["1 kpc", "2 kpc"]"#, galactic, "is a length, where a surface density is needed"),
        (r#"["2 Msun/pc^2", "1 Msun/pc^2"]"#, galactic, "2 Msun/pc^2 is not below 1 Msun/pc^2"),
        ("[2, 1]", galactic, "2.0 is not below 1.0"),
        ("[-1, 1]", galactic, "must be a surface density above 0"),
        (r#"["1 Msun/pc^2", 2]"#, io::Units::NBODY, "movie.range: 1 Msun/pc^2: the units here have G = 1"),
    ] {
        let fault = range(wrong, units).unwrap_err();
        assert!(fault.contains(words), "{wrong}: {fault}");
    }
}

#[test]
fn any_ranks_make_the_bytes_of_one() {
    for (n, more) in [(9000, ""), (9000, r#", "types": [2], "perspective": 40.0"#), (50, r#", "width": 0.5"#)]
    {
        let (all, movie) = (clump(n), movie(more));
        let one = frame(&all, &movie, 1, &|_| 0).expect("there is a frame");
        let mut sorted = all.clone();
        treecode::sort(&mut sorted, &treecode::Cube::around([-0.5; 3], [0.8; 3]));
        for ranks in [2, 3, 5] {
            let dealt = frame(&all, &movie, ranks, &|i| i % ranks);
            assert!(dealt.as_ref() == Some(&one), "{n} bodies dealt out to {ranks} ranks, {more}");
            // In order, with no bodies on the first rank.
            let ends = |i: usize| 1 + i * (ranks - 1) / sorted.len();
            let divided = frame(&sorted, &movie, ranks, &ends);
            assert!(divided.as_ref() == Some(&one), "{n} bodies divided among {ranks} ranks, {more}");
        }
    }
}

/// A black hole of a type of its own is a dot in front of the others, however light it is.
#[test]
fn a_type_of_few_bodies_is_drawn_as_dots() {
    let movie = movie(r#", "width": 2.0, "centre": [0.0, 0.0, 0.0]"#);
    let pixels = |bodies: &Bodies, ranks: usize| {
        let png = frame(bodies, &movie, ranks, &|i| i % ranks).expect("there is a frame");
        decode_png(&png).unwrap().pixels().to_vec()
    };
    let mut all = clump(9000);
    let without = pixels(&all, 1);
    let mut hole = Bodies::zeroed(1);
    (hole.kind[0], hole.mass[0], hole.id[0]) = (5, 1e-9, 20_000);
    (hole.pos[0][0], hole.pos[1][0]) = (0.5, 0.4); // 50 pixels right of the middle, 40 above
    all.append(&hole);
    let with = pixels(&all, 1);
    let differ: Vec<usize> = (0..with.len()).filter(|&i| with[i] != without[i]).collect();
    let is_near = |i: &usize| (i % 200).abs_diff(150) < 4 && (i / 200).abs_diff(40) < 4;
    assert!(differ.len() > 2 && differ.iter().all(is_near), "{differ:?}");
    assert_eq!(pixels(&all, 3), with);
    // Alone it is drawn too.
    assert!(pixels(&hole, 2).iter().any(|pixel| *pixel != without[0]));
}

/// Where only a few bodies have mass, tracers are dots, and the default width shows all bodies.
#[test]
fn the_width_shows_planets_and_tracers_are_dots() {
    let mut all = Bodies::zeroed(203);
    (all.mass[0], all.mass[1], all.mass[2]) = (1.0, 1e-3, 1e-3);
    (all.kind[0], all.kind[1], all.kind[2]) = (4, 5, 5);
    (all.pos[0][1], all.pos[1][2]) = (5.0, -30.0);
    for i in 3..203 {
        let (sin, cos) = (i as f64).sin_cos();
        (all.pos[0][i], all.pos[1][i], all.kind[i]) = (3.0 * cos, 3.0 * sin, 2);
    }
    (0..203).for_each(|i| all.id[i] = i as u64);
    let movie = movie("");
    let width = threads::run(2, |comm| {
        let crew = Crew { comm, ..Crew::alone() };
        let mut mine = all.clone();
        let wanted: Vec<u32> = (0..203).filter(|i| *i as usize % 2 == comm.rank()).collect();
        mine.permute(&wanted);
        let mut filming = Filming::new(&crew, &movie, io::Units::NBODY, [0.0, 1.0], Domain::Open, false);
        filming.frame(0, 0.0, &mine).unwrap();
        filming.width.unwrap()
    });
    assert!(width[0] > 60.0 && width[0] < 120.0 && width[0] == width[1], "{width:?}");
    let one = frame(&all, &movie, 1, &|_| 0).expect("there is a frame");
    assert!(frame(&all, &movie, 3, &|i| i % 3) == Some(one.clone()));
    let mut alone = all.clone();
    alone.keep(0..3);
    assert!(frame(&alone, &movie, 1, &|_| 0) != Some(one), "tracers are seen");
}

#[test]
fn one_body_and_a_heap_in_one_place_are_drawn_and_none_is_not() {
    let movie = movie(r#", "width": 2.0"#);
    for n in [1, 33, 10_000] {
        let mut heap = Bodies::zeroed(n);
        heap.mass.fill(1.0);
        let one = frame(&heap, &movie, 1, &|_| 0).expect("there is a frame");
        assert_eq!(frame(&heap, &movie, 3, &|i| i % 3), Some(one), "{n} bodies");
    }
    assert_eq!(frame(&Bodies::default(), &movie, 2, &|_| 0), None);
}
