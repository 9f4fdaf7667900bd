//! Softening: one number, a table, and pairs of types.

use super::*;

#[test]
fn softening_is_one_number_or_a_table() {
    let length = |set: &str| with(&[set]).gravity.gravity.softening.length;
    assert_eq!(length("gravity.softening=0.05"), [0.05; 6]);
    assert_eq!(length("gravity.softening=1"), [1.0; 6]);
    assert_eq!(length("gravity.softening.length=0.05"), [0.05; 6]);
    assert_eq!(length("gravity.softening.length.halo=0.1"), [0.0, 0.1, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(length("gravity.softening.length=[1, 2, 3, 4, 5, 6]"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let table =
        with(&[r#"gravity.softening={ kernel = "plummer", length = 0.2 }"#]).gravity.gravity.softening;
    assert_eq!((table.kernel, table.length), (SofteningKernel::Plummer, [0.2; 6]));
}

#[test]
fn softening_has_lengths_of_pairs_of_types() {
    let pairs = r#"
        [[gravity.softening.pairs]]
        types = ["stars", "other"]
        length = "5 pc"
        [[gravity.softening.pairs]]
        types = [5, 5]
        length = 0.001
        [gravity.softening.length]
        stars = 0.1
    "#;
    let softening = load(&format!("{GOOD}{pairs}"), &[]).unwrap().gravity.gravity.softening;
    assert!((softening.of_pair(5, 4) - 0.005).abs() < 1e-9 && softening.of_pair(5, 5) == 0.001);
    assert_eq!((softening.of_pair(4, 4), softening.of_pair(4, 1)), (0.1, 0.1));
    // What a snapshot records reads back to the same table.
    let parameters = load(&format!("{GOOD}{pairs}"), &[]).unwrap();
    let echo = io::parameters::echo(&parameters);
    let text: String = echo.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    assert!(text.contains("gravity.softening.pairs = [{"), "{text}");
    assert_eq!(load(&text, &[]).unwrap().gravity.gravity.softening, softening);
    for (wrong, words) in [
        (
            r#"types = ["stars", "moons"]
length = 1"#,
            "moons is no particle type",
        ),
        (
            r#"types = ["stars"]
length = 1"#,
            "array of length 2",
        ),
        (r#"types = ["stars", "other"]"#, "length"),
        (
            r#"types = ["stars", "other"]
length = -1"#,
            "gravity.softening.pairs: number 0, of stars and other: length = -1.0: must be finite",
        ),
        (
            r#"types = ["stars", "other"]
length = "5 Msun""#,
            "a length is needed",
        ),
        (
            r#"types = ["stars", "other"]
size = 1"#,
            "size",
        ),
        (
            "types = [4, 5]\nlength = 1\n[[gravity.softening.pairs]]\ntypes = [5, 4]\nlength = 2",
            "gravity.softening.pairs: number 1, of other and stars: number 0 is of the same types",
        ),
        ("types = [4, 5]\nlength = 1\n[gravity.softening]\nkernel = \"plummer\"", "kernel plummer"),
    ] {
        let fault = load(&format!("{GOOD}\n[[gravity.softening.pairs]]\n{wrong}\n"), &[]).unwrap_err();
        assert!(fault.contains(words), "{wrong}: {fault}");
    }
}
