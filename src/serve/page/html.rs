//! Markup in which foreign text can't become markup: what is not written in this program is escaped. Must not know: what
//! is said.

use std::fmt::Display;
use std::time::Duration;

use crate::picture::{Picture, escape};
use crate::shape::Time;

use super::limits::TEXT_CHARS;

/// HTML as it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Markup that stands in this program.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Foreign text, escaped; what is too long loses its end.
    pub fn text(&mut self, text: &str) -> &mut Self {
        match text.char_indices().nth(TEXT_CHARS) {
            Some((end, _)) => {
                self.0.push_str(&escape(text.get(..end).unwrap_or_default()));
                self.0.push('…');
            }
            None => self.0.push_str(&escape(text)),
        }
        self
    }

    /// A number, or what else is shown as it is written.
    pub fn of(&mut self, value: impl Display) -> &mut Self {
        self.text(&value.to_string())
    }

    /// ` name="value"`, inside a tag.
    pub fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// A drawing, which escapes by itself.
    pub fn picture(&mut self, picture: &Picture<'_>) -> &mut Self {
        self.0.push_str(&picture.draw());
        self
    }

    pub fn html(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// How long ago something was, with the exact time for who wants it. In steps of a minute and more, so that what is
    /// shown does not change with every second.
    pub fn ago(&mut self, now: Time, at: Time) -> &mut Self {
        self.raw("<time").attribute("datetime", &at.to_string()).attribute("title", &at.to_string()).raw(">");
        self.text(&ago(now.since(at))).raw("</time>")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// `under 1 min`, `4 min`, `3 h`, `12 d`.
pub fn ago(span: Duration) -> String {
    match span.as_secs() {
        ..60 => "under 1 min".to_owned(),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// `42 s`, `1 min 05 s`, `2 h 10 min`.
pub fn span(seconds: u64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `1 object`, `2 objects`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_never_markup() {
        let mut html = Html::default();
        html.raw("<a").attribute("href", "\"><script>alert('1')</script>").raw(">").text("<b>&\u{0}\n").raw("</a>");
        assert_eq!(
            html.as_str(),
            "<a href=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\">&lt;b&gt;&amp;␀␊</a>"
        );
        let mut long = Html::default();
        long.text(&"&".repeat(100_000));
        assert_eq!(long.as_str().len(), TEXT_CHARS * "&amp;".len() + '…'.len_utf8());
    }

    #[test]
    fn times_are_told_in_steps() {
        let told: Vec<String> =
            [0, 59, 60, 3599, 3600, 172_799, 172_800].map(Duration::from_secs).into_iter().map(ago).collect();
        assert_eq!(told, ["under 1 min", "under 1 min", "1 min", "59 min", "1 h", "47 h", "2 d"]);
        assert_eq!([span(42), span(65), span(7800)], ["42 s", "1 min 05 s", "2 h 10 min"]);
        assert_eq!([counted(1, "object"), counted(0, "object")], ["1 object", "0 objects"]);
    }
}
