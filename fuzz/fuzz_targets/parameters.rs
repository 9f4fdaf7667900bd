#![no_main]

use heorot::parameters::Parameters;

// The first line is given as `--set`, the rest as the file.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (set, rest) = text.split_once('\n').unwrap_or(("", text));
    let path = heorot_fuzz::file("run.toml", rest.as_bytes());
    let set = if set.is_empty() { vec![] } else { vec![set.to_owned()] };
    if let Err(error) = Parameters::load(&path, &set) {
        let message = format!("{error:#}");
        assert_eq!(message.lines().count(), 1, "is not one line: {message}");
    }
});
