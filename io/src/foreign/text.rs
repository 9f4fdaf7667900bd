//! Splits lines of text into cells, and parses numbers.

use std::borrow::Cow;

/// The separator between two cells of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Semicolon,
    Comma,
    Tab,
    Blank,
}

impl Separator {
    /// The possible separators of a line, the least ambiguous one first.
    pub(super) fn candidates(line: &str) -> impl Iterator<Item = Separator> {
        let all = [
            line.contains(';').then_some(Separator::Semicolon),
            line.contains(',').then_some(Separator::Comma),
            line.contains('\t').then_some(Separator::Tab),
            Some(Separator::Blank),
        ];
        all.into_iter().flatten()
    }

    /// The cells of a line, without surrounding blanks and quotes.
    ///
    /// # Errors
    /// If a quote is not closed, or is followed by something other than a separator.
    pub(super) fn split(self, line: &str) -> Result<Vec<Cow<'_, str>>, String> {
        if line.contains('"') {
            return self.split_quoted(line);
        }
        Ok(match self {
            Separator::Semicolon => line.split(';').map(trimmed).collect(),
            Separator::Comma => line.split(',').map(trimmed).collect(),
            Separator::Tab => line.split('\t').map(trimmed).collect(),
            Separator::Blank => line.split_whitespace().map(Cow::Borrowed).collect(),
        })
    }

    /// Whether the separator occurs in a line.
    pub(super) fn is_in(self, line: &str) -> bool {
        line.contains(|c| self.ends(c))
    }

    fn ends(self, c: char) -> bool {
        match self {
            Separator::Semicolon => c == ';',
            Separator::Comma => c == ',',
            Separator::Tab => c == '\t',
            Separator::Blank => c.is_whitespace(),
        }
    }

    /// Like [`Separator::split`]. A cell that begins with `"` ends at the next `"` that is not
    /// doubled.
    fn split_quoted(self, line: &str) -> Result<Vec<Cow<'_, str>>, String> {
        let mut cells = Vec::new();
        let mut rest = line;
        loop {
            rest = rest.trim_start_matches(|c: char| {
                c.is_whitespace() && (self == Separator::Blank || !self.ends(c))
            });
            if rest.is_empty() && self == Separator::Blank {
                return Ok(cells);
            }
            let cell = match rest.strip_prefix('"') {
                Some(inside) => {
                    let (cell, after) = quoted(inside)?;
                    let end = after.find(|c| self.ends(c)).unwrap_or(after.len());
                    if !after[..end].trim().is_empty() {
                        return Err("has text after a closing quote".to_owned());
                    }
                    rest = &after[end..];
                    Cow::Owned(cell)
                }
                None => {
                    let end = rest.find(|c| self.ends(c)).unwrap_or(rest.len());
                    let (cell, after) = rest.split_at(end);
                    rest = after;
                    trimmed(cell)
                }
            };
            cells.push(cell);
            let Some(separator) = rest.chars().next() else { return Ok(cells) };
            rest = &rest[separator.len_utf8()..];
        }
    }
}

fn trimmed(cell: &str) -> Cow<'_, str> {
    Cow::Borrowed(cell.trim())
}

/// The text up to the closing quote, and the rest of the line.
fn quoted(inside: &str) -> Result<(String, &str), String> {
    let mut cell = String::new();
    let mut rest = inside;
    loop {
        let (text, after) = rest.split_once('"').ok_or("has a quote that is not closed")?;
        cell.push_str(text);
        match after.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => return Ok((cell.trim().to_owned(), after)),
        }
    }
}

/// Parses a number, including Fortran formats. Fortran writes `D` or `Q` before the exponent of
/// higher precision, and no letter before an exponent of three digits: `0.5D+00`, `0.5-100`.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().or_else(|| fortran(cell))
}

fn fortran(cell: &str) -> Option<f64> {
    // Excludes the words that Rust parses as infinity or NaN.
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
    let (mantissa, exponent) = match cell.split_once(['d', 'D', 'q', 'Q']) {
        Some(parts) => parts,
        None => {
            let place = cell.rfind(['+', '-']).filter(|&place| place > 0)?;
            let (mantissa, exponent) = cell.split_at(place);
            if exponent.len() != 4 || !mantissa.contains('.') {
                return None;
            }
            (mantissa, exponent)
        }
    };
    let sound = !mantissa.is_empty() && mantissa.chars().chain(exponent.chars()).all(is_plain);
    if sound { format!("{mantissa}e{exponent}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_between_every_separator_with_and_without_quotes() {
        let split = |separator: Separator, line| separator.split(line).unwrap();
        assert_eq!(
            split(Separator::Comma, "a, b ,,\"c,d\", \"say \"\"e\"\"\" ,"),
            ["a", "b", "", "c,d", "say \"e\"", ""]
        );
        assert_eq!(split(Separator::Semicolon, "\"a\";b;\"c;d\";"), ["a", "b", "c;d", ""]);
        assert_eq!(split(Separator::Tab, "\"a b\"\t\tc\t"), ["a b", "", "c", ""]);
        assert_eq!(split(Separator::Blank, "  \"Alpha Cen\"  1\t\"2\" "), ["Alpha Cen", "1", "2"]);
        assert_eq!(split(Separator::Blank, " a\t b"), ["a", "b"]);
        assert_eq!(split(Separator::Comma, "\"\",x"), ["", "x"]);
        assert_eq!(split(Separator::Comma, "5\" lens,x"), ["5\" lens", "x"]);
        assert_eq!(Separator::Comma.split("a,\"b").unwrap_err(), "has a quote that is not closed");
        assert_eq!(Separator::Comma.split("a,\"b\"c").unwrap_err(), "has text after a closing quote");
    }

    #[test]
    fn numbers_of_fortran() {
        for (text, value) in [
            ("1.5", 1.5),
            ("-5.0D-02", -0.05),
            ("+1d3", 1000.0),
            (".25Q+01", 2.5),
            ("0.5-100", 0.5e-100),
            ("-1.25+100", -1.25e100),
            ("1D400", f64::INFINITY),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in [
            "",
            "D",
            "1D",
            "D1",
            "5-3",
            "2020-01-05",
            "2020-100",
            "1.5d2d3",
            "1.0D+0x",
            "1,5",
            "0.5-10",
            "é.1-100",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
