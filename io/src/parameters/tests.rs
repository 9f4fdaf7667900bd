//! Tests of parameter files: values, overrides, units, and the messages for mistakes.

use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Run {
    #[serde(default)]
    gravity: Gravity,
    #[serde(default)]
    time: Time,
    #[serde(default)]
    models: Vec<Model>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Gravity {
    walk: Walk,
    criterion: Criterion,
    theta: f64,
    tolerance: f64,
    order: usize,
    leaf_size: usize,
    softening: Softening,
}

impl Default for Gravity {
    fn default() -> Gravity {
        let (walk, criterion, softening) = (Walk::Tree, Criterion::Relative, Softening::default());
        Gravity { walk, criterion, theta: 0.5, tolerance: 0.002, order: 4, leaf_size: 16, softening }
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Walk {
    Tree,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Criterion {
    Angle,
    Relative,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Softening {
    kernel: String,
    length: [f64; 6],
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Time {
    steps: Option<u64>,
    step: f64,
    folder: PathBuf,
    hit: bool,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, tag = "model", rename_all = "lowercase")]
enum Model {
    Plummer { bodies: u64 },
    File { path: String },
}

fn read(text: &str, set: &[&str]) -> Result<Run, String> {
    let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
    from_str(text, "run.toml", &set).map_err(|error| error.to_string())
}

fn fault(text: &str, set: &[&str]) -> String {
    let message = read(text, set).unwrap_err();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

const GRAVITY_KEYS: &str = "(known: walk, criterion, theta, tolerance, order, leaf_size, softening)";

#[test]
fn a_file_is_read_and_what_is_not_there_is_default() {
    let run =
        read("[gravity]\ntheta = 1\ncriterion = 'angle'\nsoftening.length = [0, 1, 2, 3, 4, 5.5]\n", &[])
            .unwrap();
    assert_eq!(run.gravity.theta, 1.0);
    assert_eq!(run.gravity.criterion, Criterion::Angle);
    assert_eq!(run.gravity.softening.length, [0.0, 1.0, 2.0, 3.0, 4.0, 5.5]);
    assert_eq!(run.gravity.order, Gravity::default().order);
    assert_eq!(run.time, Time::default());
}

#[test]
fn a_tagged_table_is_read() {
    let run = read("[[models]]\nmodel = 'plummer'\nbodies = 7\n[[models]]\nmodel = 'file'\npath = 'a'", &[])
        .unwrap();
    assert_eq!(run.models, [Model::Plummer { bodies: 7 }, Model::File { path: "a".into() }]);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let near = format!("run.toml:3: gravity.thetta: unknown key, did you mean `theta`? {GRAVITY_KEYS}");
    assert_eq!(fault("# x\n[gravity]\nthetta = 0.5\n", &[]), near);
    let dashes = fault("[gravity]\nLeaf-Size = 3\n", &[]);
    assert!(
        dashes.starts_with("run.toml:2: gravity.Leaf-Size: unknown key, did you mean `leaf_size`?"),
        "{dashes}"
    );
    let begun = fault("[gravity]\ntol = 3\n", &[]);
    assert!(begun.contains("did you mean `tolerance`?"), "{begun}");
    let far = fault("[gravity]\nfrobnicate = 3\n", &[]);
    assert_eq!(far, format!("run.toml:2: gravity.frobnicate: unknown key {GRAVITY_KEYS}"));
    let table = fault("\n[grvity]\ntheta = 0.5\n", &[]);
    assert_eq!(
        table,
        "run.toml:2: grvity: unknown key, did you mean `gravity`? (known: gravity, time, models)"
    );
    let inline = fault("gravity = { softening = { lenght = 1 } }", &[]);
    assert_eq!(
        inline,
        "run.toml:1: gravity.softening.lenght: unknown key, did you mean `length`? (known: kernel, length)"
    );
    let tagged = fault("[[models]]\nmodel = 'plummer'\nbodis = 3\n", &[]);
    assert_eq!(tagged, "run.toml:3: models.0.bodis: unknown key, did you mean `bodies`? (known: bodies)");
    let second =
        fault("[[models]]\nmodel = 'file'\npath = 'a'\n\n[[models]]\nmodel = 'plummer'\nbodis = 3\n", &[]);
    assert!(second.starts_with("run.toml:7: models.1.bodis: unknown key"), "{second}");
}

#[test]
fn a_wrong_type_names_key_value_and_expectation() {
    let cases = [
        ("[gravity]\ntheta = 'half'", "run.toml:2: gravity.theta = \"half\": expected a number"),
        ("[time]\nsteps = -3", "run.toml:2: time.steps = -3: expected a whole number, 0 or more"),
        ("[time]\nsteps = 2.5", "run.toml:2: time.steps = 2.5: expected a whole number, 0 or more"),
        ("[time]\nfolder = 3", "run.toml:2: time.folder = 3: expected a string"),
        ("[time]\nhit = 'yes'", "run.toml:2: time.hit = \"yes\": expected true or false"),
        ("time = 3", "run.toml:1: time = 3: expected a table"),
        (
            "[models]\nbodies = 1",
            "run.toml:1: models: found a table: expected a list of tables, as [[models]]",
        ),
        ("[time]\nstep = {}", "run.toml:2: time.step: found a table: expected a number"),
        (
            "[gravity]\nsoftening.length = [1, 2]",
            "run.toml:2: gravity.softening.length = [1, 2]: expected an array of length 6",
        ),
        (
            "[gravity]\nsoftening.length = [1, 2, 3, 4, 5, 6, 7]",
            "run.toml:2: gravity.softening.length = [1, 2, 3, 4, 5, 6, 7]: expected an array of length 6",
        ),
        (
            "[gravity]\nsoftening.length = [1, 2, 'c', 4, 5, 6]",
            "run.toml:2: gravity.softening.length.2 = \"c\": expected a number",
        ),
        (
            "[gravity]\nwalk = 'tre'",
            "run.toml:2: gravity.walk = \"tre\": unknown value, did you mean `tree`? (known: tree)",
        ),
        ("[gravity]\nwalk = 3", "run.toml:2: gravity.walk = 3: expected one of tree"),
        (
            "[[models]]\nmodel = 'plummer'\nbodies = 'many'",
            "run.toml:1: models.0: found string \"many\": expected a whole number, 0 or more",
        ),
        ("[[models]]\nmodel = 'plummer'\n", "run.toml:1: models.0.bodies is missing"),
        ("[[models]]\nbodies = 3\n", "run.toml:1: models.0.model is missing"),
    ];
    for (text, message) in cases {
        assert_eq!(fault(text, &[]), message);
    }
}

#[test]
fn what_is_not_toml_is_placed() {
    assert_eq!(fault("[time]\nstep = 1\nstep = 2\n", &[]), "run.toml:3: duplicate key");
    assert!(fault("[time]\nstep 1\n", &[]).starts_with("run.toml:2: "));
    assert!(fault("[time]\nstep = \"a\n\n", &[]).starts_with("run.toml:2: "));
    assert!(fault("[time\n", &[]).starts_with("run.toml:1: "));
    assert!(fault("\"a\\nb\" = 3", &[]).starts_with("run.toml:1: a\\nb: unknown key"));
}

#[test]
fn a_whole_number_may_have_an_exponent_or_underscores() {
    let steps = |text: &str| read(&format!("[time]\nsteps = {text}"), &[]).map(|run| run.time.steps);
    for (text, number) in [("1e5", 100_000), ("100_000", 100_000), ("2.5e3", 2500), ("3.0", 3)] {
        assert_eq!(steps(text), Ok(Some(number)), "{text}");
    }
    for text in ["1e-1", "-1e3", "1e30", "inf", "nan"] {
        let message = steps(text).unwrap_err();
        assert!(message.contains("expected a whole number, 0 or more"), "{message}");
    }
}

#[test]
fn a_key_that_is_set_takes_the_place_of_its_rival() {
    let read = |text: &str, set: &[&str]| -> Result<Run, String> {
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        let rivals = [["time.steps", "time.folder"]];
        read_prepared(text, "run.toml", &set, &rivals, |_| Ok(())).map_err(|error| error.to_string())
    };
    let both = "[time]\nsteps = 3\nfolder = 'a'";
    let time = read(both, &[]).unwrap().time;
    assert_eq!((time.steps, time.folder), (Some(3), PathBuf::from("a")));
    let time = read(both, &["time.folder=b"]).unwrap().time;
    assert_eq!((time.steps, time.folder), (None, PathBuf::from("b")));
    let time = read(both, &["time.steps=4"]).unwrap().time;
    assert_eq!((time.steps, time.folder), (Some(4), PathBuf::new()));
    let time = read(both, &["time.steps=4", "time.folder=b"]).unwrap().time;
    assert_eq!((time.steps, time.folder), (Some(4), PathBuf::from("b")));
    assert_eq!(read("[gravity]\ntheta = 1", &["time.steps=4"]).unwrap().time.steps, Some(4));
}

#[test]
fn a_key_of_an_item_takes_the_place_of_its_rival_there() {
    let set = |set: &[&str]| {
        let text = "[[item]]\nspeed = 1\nmass = 2\n[[item]]\nspeed = 3\n[[item]]\nspeed = 4";
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        let rivals = [["item.*.speed", "item.*.orbit"]];
        read_prepared::<toml::Table>(text, "run.toml", &set, &rivals, |_| Ok(()))
    };
    let items = set(&["item.0.orbit.radius=5", "item.2.speed=6", "item.2.orbit=7"]).unwrap();
    let expected =
        "[[item]]\nmass = 2\norbit = { radius = 5 }\n[[item]]\nspeed = 3\n[[item]]\nspeed = 6\norbit = 7";
    assert_eq!(items, expected.parse::<toml::Table>().unwrap());
    let fault = set(&["things.0.mass=1"]).unwrap_err().to_string();
    assert_eq!(fault, "--set: things.0.mass: there is no list things in the file; write it there");
}

#[test]
fn set_overrides_and_adds() {
    let set = [
        "time.steps=20",
        "gravity.theta = 0.25",
        "time.folder=out/a b",
        "gravity.softening.length=[1,1,1,1,1,1]",
    ];
    let run = read("[gravity]\ntheta = 1", &set).unwrap();
    assert_eq!(run.time.steps, Some(20));
    assert_eq!(run.gravity.theta, 0.25);
    assert_eq!(run.time.folder, PathBuf::from("out/a b"));
    assert_eq!(run.gravity.softening.length, [1.0; 6]);
    assert_eq!(read("", &["time.steps=1", "time.steps=2"]).unwrap().time.steps, Some(2));
    assert_eq!(read("", &["time.folder=\"7\""]).unwrap().time.folder, PathBuf::from("7"));
}

#[test]
fn a_wrong_set_is_blamed_and_the_file_is_not() {
    let near = fault("[gravity]\ntheta = 1", &["gravity.thetta=0.5"]);
    assert_eq!(near, format!("--set: gravity.thetta: unknown key, did you mean `theta`? {GRAVITY_KEYS}"));
    assert_eq!(fault("", &["time.step=fast"]), "--set: time.step = \"fast\": expected a number");
    assert!(fault("", &["tme.step=1"]).starts_with("--set: tme: unknown key, did you mean `time`?"));
    assert_eq!(fault("", &["time.steps"]), "--set: time.steps: expected key=value, as in time.steps=20");
    let empty = "expected a key before `=`, as in time.steps=20";
    for entry in ["=3", "time.=3", "ti me=3", "[time]=3", "a\nb=3"] {
        let shown = entry.replace('\n', "\\n");
        assert_eq!(fault("", &[entry]), format!("--set: {shown}: {empty}"));
    }
    let scalar = fault("[time]\nstep = 1", &["time.step.size=3"]);
    assert_eq!(scalar, "--set: time.step.size: time.step is not a table");
    let both = fault("[time]\nstep = 'a'", &["time.steps=3"]);
    assert_eq!(both, "run.toml:2: time.step = \"a\": expected a number");
    let injected = read("", &["time.folder=a\nstep = 3"]).unwrap();
    assert_eq!((injected.time.folder, injected.time.step), (PathBuf::from("a\nstep = 3"), 0.0));
}

#[test]
fn the_echo_of_a_run_makes_the_same_run() {
    let run =
        read("[time]\nsteps = 3\nfolder = 'a\"b'\n[gravity]\ntheta = 0.1", &["time.step=1e-7"]).unwrap();
    let list = echo(&run);
    assert!(list.contains(&("gravity.theta".into(), "0.1".into())), "{list:?}");
    assert!(list.contains(&("time.step".into(), "1e-7".into())), "{list:?}");
    assert!(list.contains(&("time.folder".into(), r#""a\"b""#.into())), "{list:?}");
    let set: Vec<String> = list.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(from_str::<Run>("", "empty", &set).unwrap(), run);
    let models = BTreeMap::from([("models", [Model::Plummer { bodies: 3 }])]);
    assert_eq!(echo(&models), [("models".into(), "[{ bodies = 3, model = \"plummer\" }]".into())]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    let message = || load::<Run>(&path, &[]).unwrap_err().to_string();
    let name = path.display();
    assert_eq!(message(), format!("{name}: cannot read: No such file or directory (os error 2)"));
    std::fs::write(&path, b"[time]\nstep = \xff\n").unwrap();
    assert_eq!(message(), format!("{name}:2: a parameter file must be UTF-8 text"));
    std::fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    assert_eq!(message(), format!("{name}: 2097152 bytes are too many for a parameter file"));
    std::fs::write(&path, "[time]\nstep = 3\n").unwrap();
    assert!(load::<Run>(&path, &["time.hit=true".into()]).unwrap().time.hit);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(message(), format!("{name}: is a folder, not a file"));
}

#[test]
fn differences_name_the_keys_of_tables_in_arrays() {
    let list = |text: &str| echo(&toml::from_str::<toml::Table>(text).unwrap());
    let before =
        list("a = 1\nb = [1, 2]\nzero = 0.0\n[[p]]\nmass = 1.5\n[[p]]\nkind = \"bar\"\nspeed = 40.0");
    assert!(differences(&before, &before).is_empty());
    let now =
        list("b = [1, 3]\nzero = -0.0\n[[p]]\nmass = 1.5\n[[p]]\nkind = \"bar\"\nspeed = 50.0\nsize = 1");
    let found = differences(&before, &now);
    let some = |value: &str| Some(value.to_owned());
    let expected = [
        ("a", some("1"), None),
        ("b", some("[1, 2]"), some("[1, 3]")),
        ("p.1.size", None, some("1")),
        ("p.1.speed", some("40.0"), some("50.0")),
        ("zero", some("0.0"), some("-0.0")),
    ];
    assert_eq!(found, expected.map(|(key, old, new)| (key.to_owned(), old, new)));
}
