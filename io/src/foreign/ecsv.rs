//! The header of an ECSV table as written by astropy: YAML in lines that begin with `#`, with the
//! units of the columns.

/// Start of the first line of the header.
pub(super) const MARK: &str = "# %ECSV";

/// The relevant lines of a header.
#[derive(Default)]
pub(super) struct Head {
    /// Lines of the list of columns, in YAML.
    columns: String,
    in_columns: bool,
}

impl Head {
    /// Processes the next line.
    pub(super) fn take(&mut self, line: &str) {
        let text = line.strip_prefix('#').unwrap_or(line);
        let text = text.strip_prefix(' ').unwrap_or(text);
        // Keys of the top level start in the first column. Items of their lists start there, too,
        // or further right.
        if !text.starts_with([' ', '-', '\t']) {
            self.in_columns = text.trim_end() == "datatype:";
        } else if self.in_columns {
            self.columns.push_str(text);
            self.columns.push('\n');
        }
    }

    /// Names and units of the columns that have a unit.
    pub(super) fn units(&self) -> Vec<(String, String)> {
        let mut units = Vec::new();
        let mut name = None;
        for entry in entries(&self.columns) {
            let entry = entry.trim().strip_prefix("- ").unwrap_or(entry.trim());
            let Some((key, value)) = entry.split_once(':') else { continue };
            let value = value.trim().trim_matches(['\'', '"']).to_owned();
            match key.trim() {
                "name" => name = Some(value),
                "unit" => units.extend(name.clone().map(|name| (name, value))),
                _ => {}
            }
        }
        units
    }
}

/// Splits text into entries `key: value`. An entry ends at the end of a line or, inside braces, at
/// a comma or brace. Delimiters in quotes do not count.
fn entries(text: &str) -> Vec<&str> {
    let mut entries = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0usize, None);
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if before.is_whitespace() || before == ':' => quote = Some(c),
            (None, '{' | '}' | ',' | '\n') if depth > 0 || c == '{' || c == '\n' => {
                // A line may break anywhere between the braces.
                if !(c == '\n' && depth > 0) {
                    entries.push(&text[start..place]);
                    start = place + c.len_utf8();
                }
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            _ => {}
        }
        before = c;
    }
    entries.push(&text[start..]);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_in_both_styles_of_yaml_and_not_those_of_the_metadata() {
        let mut head = Head::default();
        for line in [
            "# %ECSV 1.0",
            "# ---",
            "# datatype:",
            "# - {name: mass, unit: 1e10 solMass, datatype: float64, description: 'the mass, unit: kg'}",
            "# - {name: x, datatype: float64, description: \"a long",
            "#     text\", unit: kpc}",
            "# - name: vx",
            "#   unit: km / s",
            "#   datatype: float64",
            "# - {name: id, datatype: int64}",
            "# meta:",
            "#   - {name: id, unit: pc}",
            "# schema: astropy-2.0",
        ] {
            head.take(line);
        }
        let expected = [("mass", "1e10 solMass"), ("x", "kpc"), ("vx", "km / s")];
        assert_eq!(head.units(), expected.map(|(name, unit)| (name.to_owned(), unit.to_owned())));
    }
}
