//! Rust source as far as imports need it: tokens without comments and literals, and the paths among them.

/// A word or a mark, with the line it stands on. `::` is one mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// A path as it is written, and in how many inline modules it stands.
#[derive(Debug, PartialEq)]
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
    pub depth: usize,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// All tokens of a source but comments, strings, characters and lifetimes.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut line, mut out) = (0, 1, Vec::new());
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    while at < chars.len() {
        let c = chars[at];
        let end = match c {
            '/' if peek(at + 1) == '/' => until(&chars, at, |at| peek(at) == '\n'),
            '/' if peek(at + 1) == '*' => block_comment(&chars, at),
            '"' => quoted(&chars, at),
            '\'' if peek(at + 1) == '\\' => until(&chars, at + 3, |at| peek(at) == '\'') + 1,
            '\'' if peek(at + 2) == '\'' => at + 3,
            '\'' => until(&chars, at + 1, |at| !is_word(peek(at))),
            'r' | 'b' | 'c' if literal_prefix(&chars, at).is_some() => literal_prefix(&chars, at).unwrap(),
            ':' if peek(at + 1) == ':' => {
                out.push(Token { text: "::".to_owned(), line });
                at + 2
            }
            c if is_word(c) => {
                let end = until(&chars, at, |at| !is_word(peek(at)));
                out.push(Token { text: chars[at..end].iter().collect(), line });
                end
            }
            c => {
                if !c.is_whitespace() {
                    out.push(Token { text: c.to_string(), line });
                }
                at + 1
            }
        };
        let end = end.min(chars.len());
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    out
}

fn until(chars: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|at| stop(*at)).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn quoted(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of a literal that begins with `r"`, `r#"`, `b"`, `b'`, `br#"`, `c"`, …
fn literal_prefix(chars: &[char], from: usize) -> Option<usize> {
    if from > 0 && is_word(chars[from - 1]) {
        return None;
    }
    let prefix: String = chars[from..].iter().take(2).take_while(|c| c.is_alphabetic()).collect();
    let raw = prefix.ends_with('r');
    if !["r", "b", "c", "br", "cr"].contains(&prefix.as_str()) {
        return None;
    }
    let hashes = if raw { chars[from + prefix.len()..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let quote = from + prefix.len() + hashes;
    match (chars.get(quote)?, raw) {
        ('"', false) => Some(quoted(chars, quote)),
        ('"', true) => {
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            Some(until(chars, quote + 1, |at| chars[at..].starts_with(&close)) + close.len())
        }
        ('\'', false) if prefix == "b" => {
            let escaped = chars.get(quote + 1) == Some(&'\\');
            Some(until(chars, quote + if escaped { 3 } else { 2 }, |at| chars[at] == '\'') + 1)
        }
        _ => None,
    }
}

/// The tokens that are not under `#[cfg(test)]`, and the names of modules declared there whose code is in a file.
pub fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut files, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        match test_attribute(tokens, at) {
            None => {
                kept.push(tokens[at].clone());
                at += 1;
            }
            Some(end) => {
                let end_of_item = item_end(tokens, end);
                let item = &tokens[end..end_of_item];
                if let Some(module) = item.iter().position(|token| token.text == "mod")
                    && item.last().is_some_and(|token| token.text == ";")
                {
                    files.push(item[module + 1].text.clone());
                }
                at = end_of_item;
            }
        }
    }
    (kept, files)
}

fn test_attribute(tokens: &[Token], at: usize) -> Option<usize> {
    let texts =
        |range: std::ops::Range<usize>| tokens.get(range).map(|some| some.iter().map(|token| token.text.as_str()));
    if !texts(at..at + 4)?.eq(["#", "[", "cfg", "("]) {
        return None;
    }
    let end = matching(tokens, at + 1);
    let inside: Vec<&str> = texts(at..end)?.collect();
    (inside.contains(&"test") && !inside.contains(&"not")).then_some(end)
}

/// Just behind the bracket that closes the one at `open`.
fn matching(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        depth += match token.text.as_str() {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        };
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Just behind the item that begins at `from`, attributes included.
fn item_end(tokens: &[Token], from: usize) -> usize {
    let (mut at, import) = (from, tokens.iter().skip(from).take(4).any(|token| token.text == "use"));
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" if !import => return matching(tokens, at),
            "(" | "[" | "{" => at = matching(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// Every path: those of `use` trees spelled out, and those with at least one `::` elsewhere.
pub fn paths(tokens: &[Token]) -> Vec<Named> {
    let (mut out, mut at, mut braces, mut modules) = (Vec::new(), 0, 0_usize, Vec::new());
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    while at < tokens.len() {
        match text(at) {
            "mod" if text(at + 2) == "{" => {
                braces += 1;
                modules.push(braces);
                at += 3;
            }
            "{" => (braces, at) = (braces + 1, at + 1),
            "}" => {
                modules.retain(|opened| *opened != braces);
                (braces, at) = (braces.saturating_sub(1), at + 1);
            }
            "use" if text(at + 1) != "<" => {
                at = use_tree(tokens, at + 1, &[], modules.len(), &mut out);
            }
            word if word.starts_with(is_word) && text(at + 1) == "::" && !inside(tokens, at) => {
                let mut segments = vec![word.to_owned()];
                let line = tokens[at].line;
                at += 1;
                while text(at) == "::" && text(at + 1).starts_with(is_word) {
                    segments.push(text(at + 1).to_owned());
                    at += 2;
                }
                out.push(Named { segments, line, depth: modules.len() });
            }
            _ => at += 1,
        }
    }
    out
}

/// In the middle of a path (`a::<T>::b`) or behind a dot; `::a::b` begins one.
fn inside(tokens: &[Token], at: usize) -> bool {
    let before =
        |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at)).map_or("", |token| token.text.as_str());
    before(1) == "." || (before(1) == "::" && (before(2) == ">" || before(2).starts_with(is_word)))
}

/// Spells out one `use` tree; returns where it ends.
fn use_tree(tokens: &[Token], from: usize, prefix: &[String], depth: usize, out: &mut Vec<Named>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let (mut at, mut segments) = (from, prefix.to_vec());
    loop {
        match text(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while at < tokens.len() && text(at) != "}" {
                    at = if text(at) == "," { at + 1 } else { use_tree(tokens, at, &segments, depth, out) };
                }
                return at + 1;
            }
            "as" => at += 2,
            word if word == "*" || word.starts_with(is_word) => {
                if word != "self" || segments.is_empty() {
                    segments.push(word.to_owned());
                }
                at += 1;
            }
            _ => break,
        }
    }
    let line = tokens.get(at.saturating_sub(1)).map_or(0, |token| token.line);
    out.push(Named { segments, line, depth });
    at
}
