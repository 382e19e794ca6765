//! A file's text → the texts of its documents, so that a broken one does not lose its neighbours.
//!
//! Must not know: what is between the markers.

use std::ops::Range;

/// One document of a file, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub range: Range<usize>,
    /// Where it begins, from 1.
    pub line: usize,
    pub column: usize,
}

/// The YAML documents that have content. A line that begins with `---` or `...` is a marker wherever it stands: no
/// scalar may contain one.
pub(super) fn yaml(text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut start, mut start_line) = (0, 1);
    // Whether the document at hand has begun (`---`), and whether there is anything in it.
    let (mut begun, mut content) = (false, false);
    let mut cut = |range: Range<usize>, line: usize, content: bool| {
        if content {
            chunks.push(Chunk { range, line, column: 1 });
        }
    };
    for (number, line) in lines(text).enumerate() {
        let body = text.get(line.clone()).unwrap_or_default();
        if let Some(rest) = marker(body, "---") {
            if begun || content {
                cut(start..line.start, start_line, content);
                (start, start_line) = (line.start, number + 1);
            }
            (begun, content) = (true, has_content(rest));
        } else if marker(body, "...").is_some() {
            cut(start..line.end, start_line, content);
            (start, start_line) = (line.end, number + 2);
            (begun, content) = (false, false);
        } else {
            let directive = !begun && !content && body.starts_with('%');
            content |= !directive && has_content(body);
        }
    }
    cut(start..text.len(), start_line, content);
    chunks
}

/// What follows the marker on its line, if the line is one.
fn marker<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(marker)?;
    (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])).then_some(rest)
}

fn has_content(line: &str) -> bool {
    let line = line.trim_matches([' ', '\t', '\r', '\n']);
    !line.is_empty() && !line.starts_with('#')
}

/// The lines with their ends: LF, CRLF, or CR alone.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        at = end.map_or(bytes.len(), |end| {
            let pair = rest.get(end..end + 2) == Some(b"\r\n");
            start + end + if pair { 2 } else { 1 }
        });
        Some(start..at)
    })
}

/// The JSON values that follow each other; what is left when the brackets do not match is one chunk.
pub(super) fn json(text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut line, mut column) = (1, 1);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut open: Option<(usize, usize, usize)> = None;
    for (at, letter) in text.char_indices() {
        if open.is_none() && !letter.is_whitespace() {
            open = Some((at, line, column));
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let (Some((start, line, column)), 0, '}' | ']', false) = (open, depth, letter, quoted) {
            chunks.push(Chunk { range: start..at + 1, line, column });
            open = None;
        }
        (line, column) = if letter == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    if let Some((start, line, column)) = open {
        chunks.push(Chunk { range: start..text.len(), line, column });
    }
    chunks
}

/// The first character that no manifest has a use for, with line and column from 1 and what to say about it.
pub(super) fn odd_character(text: &str) -> Option<(usize, usize, String)> {
    let (mut line, mut column) = (1, 1);
    let mut before = ' ';
    for letter in text.chars() {
        let reordering = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let control = letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\u{85}');
        let found = match letter {
            '\0' => Some("a NUL character: is the file UTF-16, or binary? Save it as UTF-8".to_owned()),
            '\u{feff}' => Some("a byte order mark in the middle of the file: remove it".to_owned()),
            _ if control => Some(format!("the control character U+{:04X}", u32::from(letter))),
            _ if reordering => {
                let code = u32::from(letter);
                Some(format!("the character U+{code:04X}, which makes text look different from what it says"))
            }
            _ => None,
        };
        if let Some(found) = found {
            return Some((line, column, found));
        }
        let breaks = letter == '\r' || (letter == '\n' && before != '\r');
        (line, column) = match letter {
            _ if breaks => (line + 1, 1),
            '\n' => (line, 1),
            _ => (line, column + 1),
        };
        before = letter;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, chunks: &[Chunk]) -> Vec<(usize, String)> {
        chunks.iter().map(|chunk| (chunk.line, text.get(chunk.range.clone()).unwrap().to_owned())).collect()
    }

    #[test]
    fn cuts_at_markers_and_drops_what_is_empty() {
        for (text, wanted) in [
            ("", vec![]),
            ("# only\n\n", vec![]),
            ("---\n---\n# x\n---\n", vec![]),
            ("a: 1\n---\nb: 2\n", vec![(1, "a: 1\n"), (2, "---\nb: 2\n")]),
            ("# head\n---\na: 1\n", vec![(1, "# head\n---\na: 1\n")]),
            ("%YAML 1.2\n---\na: 1\n...\n", vec![(1, "%YAML 1.2\n---\na: 1\n...\n")]),
            ("a: 1\n...\n# x\nb: 2\n", vec![(1, "a: 1\n...\n"), (3, "# x\nb: 2\n")]),
            ("a: 1\r\n---\r\nb: 2", vec![(1, "a: 1\r\n"), (2, "---\r\nb: 2")]),
            ("a: 1\r---\rb: 2", vec![(1, "a: 1\r"), (2, "---\rb: 2")]),
            ("a: |\n  ---\n  x\n---x: 1\n", vec![(1, "a: |\n  ---\n  x\n---x: 1\n")]),
            ("--- {a: 1}\n--- # none\n", vec![(1, "--- {a: 1}\n")]),
        ] {
            let wanted: Vec<_> = wanted.into_iter().map(|(line, text)| (line, text.to_owned())).collect();
            assert_eq!(texts(text, &yaml(text)), wanted, "{text:?}");
        }
    }

    #[test]
    fn finds_where_json_values_end() {
        let text = "{\"a\": \"}\\\"{\"}\n {\"b\": [1]} {";
        let chunks = json(text);
        assert_eq!(
            texts(text, &chunks),
            [(1, "{\"a\": \"}\\\"{\"}".to_owned()), (2, "{\"b\": [1]}".to_owned()), (2, "{".to_owned())]
        );
        assert_eq!(chunks[1].column, 2);
    }

    #[test]
    fn names_odd_characters() {
        assert_eq!(odd_character("a\tb\r\nc\u{e9}\n"), None);
        assert_eq!(odd_character("a\r\nbc\0").map(|(line, column, _)| (line, column)), Some((2, 3)));
        assert!(odd_character("x\u{202e}").is_some_and(|(_, _, what)| what.contains("U+202E")));
    }
}
