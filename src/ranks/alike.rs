//! Checks that ranks agree: same program, same command line, and processors that compute the same
//! bits. Otherwise ranks could wait for each other for ever, or reach inconsistent states.

use crate::ranks::machine;
use decomposition::{Comm, Reduction};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// A property that must be the same on all ranks. It has several parts, and an error shows the
/// first part that differs.
pub struct Fact {
    /// Name of the property, as in "differ in *the command line*".
    pub what: String,
    /// Parts of the value.
    pub parts: Vec<String>,
}

impl Fact {
    /// A property with one part.
    fn of(what: &str, part: String) -> Fact {
        Fact { what: what.to_owned(), parts: vec![part] }
    }
}

/// Properties that are checked before the job: program, processor and command line.
pub fn at_start() -> Vec<Fact> {
    let arguments =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    vec![
        Fact::of("the program", crate::help::version::PROGRAM.to_owned()),
        Fact::of("the build of the program", build()),
        Fact::of("the arithmetic of the processor (HEOROT_SIMD=scalar is the same on all)", arithmetic()),
        Fact { what: "the command line".to_owned(), parts: arguments },
    ]
}

/// The SIMD path, and the processor family if bits depend on it. If no path is available, the
/// reason.
fn arithmetic() -> String {
    match machine::choose_arithmetic() {
        Ok(()) => format!("{}, {}", machine::arithmetic(), std::env::consts::ARCH),
        Err(fault) => fault.to_string(),
    }
}

/// Checksum of the executable file. It differs for another source, compiler or compiler option.
/// Empty if the file cannot be read.
fn build() -> String {
    // The first path gives the running program, even if the file has been replaced.
    let this = checksum(Path::new("/proc/self/exe")).or_else(|_| checksum(&std::env::current_exe()?));
    this.map_or(String::new(), |digest| format!("{digest:016x}"))
}

/// Checksum of the content of a file.
pub(crate) fn checksum(path: &Path) -> std::io::Result<u64> {
    let (mut file, mut hasher) = (std::fs::File::open(path)?, Xxh3::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.digest()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Checks that all ranks have the same properties, with one reduction if they agree. Collective.
///
/// # Errors
/// A property differs. Every rank returns one line with the property and the ranks that differ from
/// the majority. Without a majority, the line names the ranks that differ from rank 0.
pub fn check(comm: &dyn Comm, facts: &[Fact]) -> Result<(), String> {
    if comm.size() == 1 {
        return Ok(());
    }
    let mine = encode(facts);
    // The message has one number for any properties, so that different versions of the program can
    // exchange it.
    let digest = xxh3_64(&mine);
    let mut ends = [digest, !digest];
    comm.all_reduce(&mut ends, Reduction::Max);
    if ends[0] == !ends[1] {
        return Ok(());
    }
    let all: Vec<Vec<Fact>> = comm.all_gather(&mine).iter().map(|bytes| decode(bytes)).collect();
    Err(difference(&all))
}

/// The first property that differs, as text.
fn difference(ranks: &[Vec<Fact>]) -> String {
    let parts = |rank: usize, fact: usize| ranks[rank].get(fact).map_or(&[][..], |fact| &fact.parts[..]);
    let most = ranks.iter().map(Vec::len).max().unwrap_or(0);
    for fact in 0..most {
        let mut groups: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
        (0..ranks.len()).for_each(|rank| groups.entry(parts(rank, fact)).or_default().push(rank));
        if groups.len() == 1 {
            continue;
        }
        let common =
            groups.values().max_by_key(|group| (group.len(), group[0] == 0)).expect("there are groups");
        let odd = groups
            .values()
            .filter(|group| *group != common)
            .min_by_key(|group| group[0])
            .expect("some differ");
        let [usual, other] = [common[0], odd[0]].map(|rank| parts(rank, fact));
        let place = (0..).find(|&i| usual.get(i) != other.get(i)).expect("they differ");
        let [usual, other] = [usual, other].map(|parts| parts.get(place).map_or("nothing", String::as_str));
        let what = ranks.iter().find_map(|facts| facts.get(fact)).map_or("", |fact| &fact.what);
        return format!(
            "{} {} from {} in {what}: {} instead of {}; all ranks must be started alike",
            named(odd),
            if odd.len() == 1 { "differs" } else { "differ" },
            named(common),
            short(other),
            short(usual),
        );
    }
    "the ranks are not alike".to_owned()
}

/// The first few rank numbers, as text.
fn named(ranks: &[usize]) -> String {
    const SHOWN: usize = 4;
    let list: Vec<String> = ranks.iter().take(SHOWN).map(usize::to_string).collect();
    match ranks.len() {
        1 => format!("rank {}", list[0]),
        n if n > SHOWN => format!("ranks {} and {} more", list.join(", "), n - SHOWN),
        _ => format!("ranks {}", list.join(", ")),
    }
}

/// The text cut to one line, without control characters, which could affect a terminal.
fn short(text: &str) -> String {
    const MOST: usize = 160;
    let shown: String = text.chars().take(MOST).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > MOST { format!("{shown} ...") } else { shown }
}

/// Texts with their lengths, as bytes.
fn encode(facts: &[Fact]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    for fact in facts {
        put(&fact.what);
        put(&fact.parts.len().to_string());
        fact.parts.iter().for_each(|part| put(part));
    }
    bytes
}

/// Inverse of [`encode`]. It omits what it cannot read.
fn decode(mut bytes: &[u8]) -> Vec<Fact> {
    let mut take = || {
        let (length, rest) = bytes.split_at_checked(size_of::<u64>())?;
        let length = u64::from_le_bytes(length.try_into().ok()?);
        let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        bytes = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    let mut facts = Vec::new();
    while let Some(what) = take() {
        let count = take().and_then(|count| count.parse().ok()).unwrap_or(0);
        facts.push(Fact { what, parts: (0..count).map_while(|_| take()).collect() });
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;

    fn fact(what: &str, parts: &[&str]) -> Fact {
        Fact { what: what.to_owned(), parts: parts.iter().map(|part| (*part).to_owned()).collect() }
    }

    /// The result of [`check`] on ranks with these properties.
    fn outcome(ranks: usize, facts: impl Fn(usize) -> Vec<Fact> + Sync) -> Result<(), String> {
        let heard = threads::run(ranks, |comm| check(comm, &facts(comm.rank())));
        assert!(heard.iter().all(|one| *one == heard[0]), "{heard:?}");
        heard.into_iter().next().unwrap()
    }

    #[test]
    fn ranks_that_are_alike_go_on() {
        for ranks in [1, 2, 5] {
            assert_eq!(outcome(ranks, |_| at_start()), Ok(()));
            assert_eq!(outcome(ranks, |_| Vec::new()), Ok(()));
        }
        assert!(at_start().iter().all(|fact| fact.parts.iter().all(|part| !part.is_empty())));
    }

    #[test]
    fn the_odd_rank_and_what_differs_are_named() {
        let path = |rank: usize, odd: &[usize]| {
            let path = if odd.contains(&rank) { "scalar" } else { "avx512" };
            vec![fact("the program", &["heorot 1"]), fact("the path", &[path])]
        };
        for (ranks, odd, expected) in [
            (2, &[1][..], "rank 1 differs from rank 0 in the path: scalar instead of avx512; all ranks"),
            (3, &[0], "rank 0 differs from ranks 1, 2 in the path: scalar instead of avx512; all ranks"),
            (4, &[2, 3], "ranks 2, 3 differ from ranks 0, 1 in the path: scalar instead of avx512; all"),
            (9, &[3], "rank 3 differs from ranks 0, 1, 2, 4 and 4 more in the path: scalar instead of"),
        ] {
            let said = outcome(ranks, |rank| path(rank, odd)).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn the_first_part_that_differs_is_shown() {
        let lines: [&[&str]; 3] =
            [&["run", "a.toml", "--set", "x=1"], &["run", "a.toml", "--set", "x=2"], &["run", "a.toml"]];
        let said = |odd: usize| {
            let said =
                outcome(3, |rank| vec![fact("the command line", lines[if rank == 2 { odd } else { 0 }])]);
            said.unwrap_err()
        };
        assert!(said(1).contains("in the command line: x=2 instead of x=1;"), "{}", said(1));
        assert!(said(2).contains("in the command line: nothing instead of --set;"), "{}", said(2));
        // Different or missing properties, as in another version. Also texts that are equal when
        // joined.
        assert!(outcome(2, |rank| at_start().into_iter().skip(rank).collect()).is_err());
        let pairs: [&[&str]; 2] = [&["ab", "c"], &["a", "bc"]];
        assert!(outcome(2, |rank| vec![fact("pairs", pairs[rank])]).unwrap_err().contains("a instead of ab"));
        let long = "\u{1b}[31m\n".repeat(1000);
        let said = outcome(2, |rank| vec![fact("text", &[if rank == 0 { "x" } else { &long }])]).unwrap_err();
        assert!(said.len() < 1500 && !said.contains(char::is_control), "{said}");
    }
}
