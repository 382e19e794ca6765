//! A manifest's line without the secrets it may hold. Must not know: what is wrong with the line.
//!
//! Works on text alone, since the text may be broken: what stands under a key whose values are never shown is replaced
//! letter by letter, so that columns stay what they are.

use crate::kinds::secrets;

/// What a hidden letter becomes.
const HIDDEN: char = '*';
/// A value under one of the keys that is no secret itself: the name of an environment variable.
const HARMLESS: &str = "name";

/// The line (from 1) with letters and digits of possibly secret values hidden.
pub fn line(text: &str, number: usize) -> String {
    let lines: Vec<&str> = text.lines().take(number).collect();
    let Some((line, above)) = lines.split_last().filter(|_| lines.len() == number) else { return String::new() };
    let mut secret = is_under_secret_key(line, above);
    let mut harmless = false;
    let mut shown = String::with_capacity(line.len());
    for token in tokens(line) {
        let word = token.text.trim_matches(['"', '\'']);
        if token.is_key {
            harmless = word == HARMLESS;
            secret |= secrets::MEMBERS.contains(&word);
            shown.push_str(token.text);
        } else if token.is_word && secret && !harmless {
            shown.extend(token.text.chars().map(|letter| if letter.is_alphanumeric() { HIDDEN } else { letter }));
        } else {
            // The next value of a flow sequence or mapping has a key of its own.
            harmless &= !token.text.contains(',');
            shown.push_str(token.text);
        }
    }
    shown
}

/// Whether a key further out, by indentation, is one whose values are never shown.
fn is_under_secret_key(line: &str, above: &[&str]) -> bool {
    let mut depth = indent(line);
    // A list may stand as far left as its key.
    let mut is_item = line.trim_start().starts_with("- ");
    for outer in above.iter().rev().filter(|outer| !outer.trim().is_empty()) {
        let far = indent(outer);
        let dash = outer.trim_start().starts_with("- ");
        if far < depth || (is_item && far == depth && !dash) {
            if tokens(outer)
                .any(|token| token.is_key && secrets::MEMBERS.contains(&token.text.trim_matches(['"', '\''])))
            {
                return true;
            }
            (depth, is_item) = (far, dash);
        }
    }
    false
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|letter| letter.is_whitespace()).count()
}

/// A piece of a line: a word (quoted or plain), or what stands between words.
struct Token<'a> {
    text: &'a str,
    is_word: bool,
    /// A word with a colon after it.
    is_key: bool,
}

fn tokens(line: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (length, is_word) = match first {
            '"' | '\'' => (quoted(rest, first), true),
            _ if is_between(first) => (rest.find(|letter| !is_between(letter)).unwrap_or(rest.len()), false),
            _ => (plain(rest), true),
        };
        let (text, after) = rest.split_at_checked(length)?;
        rest = after;
        let is_key = is_word && after.trim_start().starts_with(':') && !text.contains(": ");
        Some(Token { text, is_word, is_key })
    })
}

fn is_between(letter: char) -> bool {
    letter.is_whitespace() || "{}[],:-".contains(letter)
}

/// To the closing quote, or to the end of the line where there is none.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            letter if letter == quote => return at + letter.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// To what ends a plain word: a space, a comma, a bracket, or a colon before a space.
fn plain(text: &str) -> usize {
    let ends = |(at, letter): &(usize, char)| {
        let after = text.get(at + 1..).unwrap_or_default();
        letter.is_whitespace()
            || "{}[],".contains(*letter)
            || (*letter == ':' && (after.is_empty() || after.starts_with(char::is_whitespace)))
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
spec:
  image: nginx:1.28
  environment:
    - name: TOKEN
      value: hunter2 and more
    - { name: OTHER, value: \"s3:cret\" }
  command: [serve, --key=abc]
  entryPoint:
  - sh
  - -c
  options: { awslogs-group: /ecs/web }
  cpu: 256
";

    #[test]
    fn only_what_may_be_secret_is_hidden_and_columns_stay() {
        for (number, shown) in [
            (2, "  image: nginx:1.28"),
            (4, "    - name: TOKEN"),
            (5, "      value: ******* *** ****"),
            (6, "    - { name: OTHER, value: \"**:****\" }"),
            (7, "  command: [*****, --***=***]"),
            (9, "  - **"),
            (11, "  options: { awslogs-group: /***/*** }"),
            (12, "  cpu: 256"),
            (13, ""),
        ] {
            assert_eq!(line(TEXT, number), shown);
        }
    }

    #[test]
    fn json_and_broken_text_are_hidden_too() {
        let minified = r#"{"environment":[{"name":"TOKEN","value":"hunter2"}]}"#;
        assert_eq!(line(minified, 1), r#"{"environment":[{"name":"TOKEN","value":"*******"}]}"#);
        let pretty = "{\n  \"command\": [\n    \"hunter2\",\n    \"s3cret\n";
        assert_eq!((line(pretty, 3), line(pretty, 4)), ("    \"*******\",".into(), "    \"******".into()));
        assert_eq!(line("environment: [{ name: A, value: 'hunter2", 1), "environment: [{ name: A, value: '*******");
    }
}
