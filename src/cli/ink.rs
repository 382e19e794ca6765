//! Colours, signs, and making text fit. Must not know: what the text says.

use std::time::Duration;

use crate::cli::Terminal;
use crate::shape::plain;

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Good,
    Busy,
    Bad,
    Dim,
    Bold,
    /// What changes, and what is only doubtful.
    Change,
    /// What takes another's place.
    Replace,
    /// The revision that comes, and the one that goes.
    New,
    Old,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Busy | Self::New => "36",
            Self::Bad => "31",
            Self::Change => "33",
            Self::Replace => "35",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Old => "34",
        }
    }
}

/// Signs, beyond ASCII and within.
#[derive(Debug)]
pub struct Signs {
    pub good: &'static str,
    pub busy: &'static str,
    pub bad: &'static str,
    pub new: &'static str,
    pub old: &'static str,
    pub pending: &'static str,
    pub free: &'static str,
    pub mark: &'static str,
    pub ellipsis: &'static str,
}

const UNICODE: Signs =
    Signs {
        good: "✔", busy: "◌", bad: "✖", new: "█", old: "▓", pending: "░", free: "·", mark: "▲", ellipsis: "…"
    };
const ASCII: Signs =
    Signs { good: "+", busy: "*", bad: "!", new: "#", old: "=", pending: "-", free: ".", mark: "^", ellipsis: ".." };

/// The signs that a terminal can show.
pub fn signs(terminal: &Terminal) -> &'static Signs {
    if terminal.unicode { &UNICODE } else { &ASCII }
}

/// The text in a colour, where there are colours. The text is as wide as before.
pub fn paint(terminal: &Terminal, ink: Ink, text: &str) -> String {
    if terminal.colour && !text.is_empty() { format!("\x1b[{}m{text}\x1b[0m", ink.code()) } else { text.to_owned() }
}

/// At most `width` characters: what is too long loses its middle, since names differ at their ends.
pub fn shorten(terminal: &Terminal, text: &str, width: usize) -> String {
    let text = plain(text);
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= width {
        return text.into_owned();
    }
    let ellipsis = signs(terminal).ellipsis;
    let rest = width.saturating_sub(ellipsis.chars().count());
    let (head, tail) = (rest.div_ceil(2), rest / 2);
    let ends = (chars.iter().take(head), chars.iter().skip(chars.len() - tail));
    ends.0.collect::<String>() + ellipsis + &ends.1.collect::<String>()
}

/// The same text with the ids of tasks and deployments by their beginnings: nobody reads 32 hex digits.
pub fn without_ids(terminal: &Terminal, text: &str) -> String {
    let long = |word: &str| word.len() > 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut told = String::new();
    for part in plain(text).split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        match part.strip_prefix(word).filter(|_| long(word)) {
            Some(rest) => {
                told.extend(word.chars().take(8));
                told.push_str(signs(terminal).ellipsis);
                told.push_str(rest);
            }
            None => told.push_str(part),
        }
    }
    told
}

/// Lines of at most `width` characters, broken between words.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_after(0, text, width)
}

/// The same behind `taken` characters on the first line, which stays empty where no word fits there.
pub fn wrap_after(taken: usize, text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut taken = taken;
    for word in text.split_whitespace() {
        let word = plain(word);
        let length = word.chars().count();
        match lines.last_mut() {
            None if taken > 0 && taken + length > width => lines.extend([String::new(), word.into_owned()]),
            Some(line) if taken + line.chars().count() + 1 + length <= width => {
                line.push(' ');
                line.push_str(&word);
                continue;
            }
            None => {
                lines.push(word.into_owned());
                continue;
            }
            Some(_) => lines.push(word.into_owned()),
        }
        taken = 0;
    }
    lines
}

/// `38s`, `2m 05s`, `1h 00m`, `3d 04h`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, ..) => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTF8: Terminal = Terminal { unicode: true, ..Terminal::PLAIN };

    #[test]
    fn what_is_too_long_loses_its_middle() {
        assert_eq!(shorten(&UTF8, "hello-world:12", 14), "hello-world:12");
        assert_eq!(shorten(&UTF8, "hello-world:12", 9), "hell…d:12");
        assert_eq!(shorten(&Terminal::PLAIN, "hello-world:12", 9), "hell..:12");
        assert_eq!(shorten(&UTF8, "ααααααα", 4), "αα…α");
        assert_eq!(shorten(&UTF8, "long", 0), "…");
    }

    #[test]
    fn ids_are_told_by_their_beginnings() {
        let text = "has started 1 tasks: (task 0123456789abcdef0123456789abcdef).";
        assert_eq!(without_ids(&UTF8, text), "has started 1 tasks: (task 01234567…).");
        assert_eq!(without_ids(&UTF8, "ecs-svc/1234567890123456789 completed"), "ecs-svc/12345678… completed");
        assert_eq!(without_ids(&UTF8, "nothing to shorten, α"), "nothing to shorten, α");
    }

    #[test]
    fn lines_break_between_words_and_spans_are_short() {
        assert_eq!(wrap("a bc def ghij", 6), ["a bc", "def", "ghij"]);
        assert_eq!(wrap_after(3, "a bc def ghij", 6), ["a", "bc def", "ghij"]);
        assert_eq!(wrap_after(6, "a bc def ghij", 6), ["", "a bc", "def", "ghij"]);
        for (seconds, said) in [(0, "0s"), (59, "59s"), (125, "2m 05s"), (3600, "1h 00m"), (273_600, "3d 04h")] {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
    }
}
