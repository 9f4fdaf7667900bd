//! Parses the Python literals in the header of a NumPy array.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Whole(u64),
    Truth(bool),
    /// A list or a tuple.
    List(Vec<Literal>),
    /// Pairs of keys and values.
    Dictionary(Vec<(Literal, Literal)>),
}

/// Greatest nesting depth. No valid header is deeper.
const DEEPEST: usize = 8;

impl Literal {
    /// Parses `text` as one literal; `None` if it is not a supported one.
    pub(super) fn parse(text: &str) -> Option<Literal> {
        let mut rest = text;
        let literal = value(&mut rest, 0)?;
        rest.trim().is_empty().then_some(literal)
    }

    /// The value of a key in a dictionary.
    pub(super) fn get(&self, key: &str) -> Option<&Literal> {
        let Literal::Dictionary(entries) = self else { return None };
        entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Literal::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Literal]> {
        if let Literal::List(list) = self { Some(list) } else { None }
    }

    pub(super) fn whole(&self) -> Option<u64> {
        if let Literal::Whole(whole) = self { Some(*whole) } else { None }
    }
}

/// Parses a literal at the start of `rest` and removes it.
fn value(rest: &mut &str, depth: usize) -> Option<Literal> {
    if depth > DEEPEST {
        return None;
    }
    *rest = rest.trim_start();
    let first = rest.chars().next()?;
    match first {
        '\'' | '"' => {
            let (text, after) = rest[1..].split_once(first)?;
            *rest = after;
            (!text.contains('\\')).then(|| Literal::Text(text.to_owned()))
        }
        '0'..='9' => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, after) = rest.split_at(end);
            *rest = after.strip_prefix('L').unwrap_or(after); // Python 2 suffix
            digits.parse().ok().map(Literal::Whole)
        }
        '[' => items(rest, ']', |rest| value(rest, depth + 1)).map(Literal::List),
        '(' => items(rest, ')', |rest| value(rest, depth + 1)).map(Literal::List),
        '{' => items(rest, '}', |rest| {
            let key = value(rest, depth + 1)?;
            *rest = rest.trim_start().strip_prefix(':')?;
            Some((key, value(rest, depth + 1)?))
        })
        .map(Literal::Dictionary),
        _ => {
            let (word, truth) =
                [("True", true), ("False", false)].into_iter().find(|(word, _)| rest.starts_with(word))?;
            *rest = &rest[word.len()..];
            Some(Literal::Truth(truth))
        }
    }
}

/// Parses comma-separated items up to a closing bracket. A trailing comma is allowed.
fn items<T>(rest: &mut &str, close: char, mut item: impl FnMut(&mut &str) -> Option<T>) -> Option<Vec<T>> {
    *rest = &rest[1..];
    let mut list = Vec::new();
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return Some(list);
        }
        list.push(item(rest)?);
        *rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None if rest.starts_with(close) => {}
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy() {
        let header = Literal::parse(
            "{'descr': [('m', '<f4'), ('p', '>f8', (3,))], 'fortran_order': False, 'shape': (10, 7), }  \n",
        );
        let header = header.unwrap();
        assert_eq!(header.get("fortran_order"), Some(&Literal::Truth(false)));
        let shape = header.get("shape").unwrap().list().unwrap();
        assert_eq!(shape.iter().map(|n| n.whole().unwrap()).collect::<Vec<_>>(), [10, 7]);
        let field = header.get("descr").unwrap().list().unwrap()[1].list().unwrap();
        assert_eq!((field[1].text(), field[2].list().unwrap()[0].whole()), (Some(">f8"), Some(3)));
    }

    #[test]
    fn what_is_no_literal() {
        for text in
            ["", "{", "{'a'}", "[1 2]", "(1,,)", "'a", "99999999999999999999", "None", "1 2", "'\\x00'", "é"]
        {
            assert_eq!(Literal::parse(text), None, "{text}");
        }
        assert_eq!(Literal::parse(&"[".repeat(100_000)), None);
    }
}
