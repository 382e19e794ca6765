//! Lines that are drawn over, below lines that stay. Must not know: what they say.

use std::io::{self, Write as _};

use super::Terminal;

/// The last lines of the terminal.
#[derive(Debug, Default)]
pub struct Live {
    drawn: usize,
}

impl Live {
    /// Writes `news`, which stay, and below them `frame`, which the next call draws over. Where nobody watches, only
    /// the news.
    pub fn show(&mut self, terminal: &Terminal, news: &[String], frame: &[String]) {
        let frame = if terminal.live { frame } else { &[] };
        let text = self.next(news, frame);
        // In one piece, so that nothing flickers; whoever has stopped reading stops nothing.
        drop(io::stdout().lock().write_all(text.as_bytes()));
        drop(io::stdout().lock().flush());
    }

    /// What is drawn now stays, and others may write below it.
    pub fn leave(&mut self) {
        self.drawn = 0;
    }

    fn next(&mut self, news: &[String], frame: &[String]) -> String {
        let mut text = String::new();
        if self.drawn > 0 {
            // Up to the first line of the old frame, and everything below is empty.
            text += &format!("\x1b[{}A\r\x1b[J", self.drawn);
        }
        for line in news {
            text += &format!("{line}\n");
        }
        if !frame.is_empty() {
            // A line that is too long for the terminal must not become two.
            text += &format!("\x1b[?7l{}\n\x1b[?7h", frame.join("\n"));
        }
        self.drawn = frame.len();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_drawn_over_and_news_stay_above() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let mut live = Live::default();
        assert_eq!(live.next(&lines(&["made"]), &lines(&["a", "b"])), "made\n\x1b[?7la\nb\n\x1b[?7h");
        assert_eq!(live.next(&[], &lines(&["c"])), "\x1b[2A\r\x1b[J\x1b[?7lc\n\x1b[?7h");
        assert_eq!(live.next(&lines(&["done"]), &[]), "\x1b[1A\r\x1b[Jdone\n");
        assert_eq!(live.next(&lines(&["more"]), &[]), "more\n");
        live.next(&[], &lines(&["stays"]));
        live.leave();
        assert_eq!(live.next(&[], &lines(&["below"])), "\x1b[?7lbelow\n\x1b[?7h");
    }
}
