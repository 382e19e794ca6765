//! Text from outside, for people: nothing in it moves the cursor, colours the terminal or begins a line.

use std::borrow::Cow;

/// The text with a sign for each character that would act and not be seen: `␊` for a line's end, `␛` for an escape, `�`
/// for those that have no sign. As many characters as before.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts) { Cow::Owned(text.chars().map(sign).collect()) } else { Cow::Borrowed(text) }
}

fn acts(letter: char) -> bool {
    let turns =
        matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    letter.is_control() || turns
}

fn sign(letter: char) -> char {
    match u32::from(letter) {
        _ if !acts(letter) => letter,
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '␡',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_has_a_sign() {
        assert_eq!(plain("a\u{1b}[31m\r\nb\u{7f}\u{9b}\u{202e}"), "a␛[31m␍␊b␡��");
        assert!(matches!(plain("α – “plain”"), Cow::Borrowed(_)));
    }
}
