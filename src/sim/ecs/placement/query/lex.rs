//! The cluster query language's words and signs. Must not know: what they mean.

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    ListOpen,
    ListClose,
    Comma,
    /// `==`, `!=`, `>`, `>=`, `<`, `<=`, `=~`, `!~`, `&&`, `||`, `!`.
    Sign(&'static str),
    /// Whether it was quoted: then it is never a keyword.
    Word {
        text: String,
        quoted: bool,
    },
}

/// Longer ones first.
const SIGNS: &[&str] = &["==", "!=", ">=", "<=", "=~", "!~", "&&", "||", ">", "<", "!"];
/// Operators whose argument is a pattern, which may have signs and parentheses of its own.
const BEFORE_PATTERN: &[&str] = &["=~", "!~", "matches", "not_matches"];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if expects_pattern(&found) && !matches!(first, '"' | '\'') {
            let length = pattern(rest);
            (Token::Word { text: rest.get(..length).unwrap_or_default().to_owned(), quoted: true }, length)
        } else {
            next(rest, first)?
        };
        if length == 0 {
            return Err(format!("unexpected `{first}`"));
        }
        found.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

fn expects_pattern(found: &[Token]) -> bool {
    match found.last() {
        Some(Token::Sign(sign)) => BEFORE_PATTERN.contains(sign),
        Some(Token::Word { text, quoted: false }) => BEFORE_PATTERN.contains(&text.as_str()),
        _ => false,
    }
}

/// A token and how many bytes it is long.
fn next(rest: &str, first: char) -> Result<(Token, usize), String> {
    let single = match first {
        '(' => Some(Token::Open),
        ')' => Some(Token::Close),
        '[' => Some(Token::ListOpen),
        ']' => Some(Token::ListClose),
        ',' => Some(Token::Comma),
        _ => None,
    };
    if let Some(token) = single {
        return Ok((token, 1));
    }
    if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    if matches!(first, '"' | '\'') {
        let inside = rest.get(1..).and_then(|rest| rest.split_once(first)).map(|(inside, _)| inside);
        let inside = inside.ok_or("a quote is not closed")?;
        return Ok((Token::Word { text: inside.to_owned(), quoted: true }, inside.len() + 2));
    }
    let ends = |c: char| c.is_whitespace() || "()[],=!<>&|~\"'".contains(c);
    let length = rest.find(ends).unwrap_or(rest.len());
    Ok((Token::Word { text: rest.get(..length).unwrap_or_default().to_owned(), quoted: false }, length))
}

/// A pattern ends with a space, or with a parenthesis that it did not open.
fn pattern(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            c if c.is_whitespace() => return at,
            _ => {}
        }
    }
    rest.len()
}
