//! What is said of the acts, kept and printed; where a person watches, drawn live and no faster than eyes can follow.
//! Must not know: the acts.

use std::time::Duration;

use crate::cli::Terminal;
use crate::cli::ink::{Ink, paint, signs, wrap};
use crate::cli::live::Live;

/// Where the acts are told.
#[derive(Debug)]
pub struct Screen {
    pub terminal: Terminal,
    live: Live,
    /// How many times faster than real time it goes by; none: as fast as it goes.
    pace: Option<f64>,
    printed: bool,
    text: Vec<String>,
}

impl Screen {
    /// Prints, and where a person watches, waits.
    pub fn printed(terminal: Terminal, pace: f64) -> Self {
        let pace = terminal.live.then_some(pace);
        Self { terminal, live: Live::default(), pace, printed: true, text: Vec::new() }
    }

    /// Prints as fast as it goes.
    pub fn at_once(terminal: Terminal) -> Self {
        Self { terminal: Terminal { live: false, ..terminal }, ..Self::printed(terminal, 1.0) }.unpaced()
    }

    /// Only keeps what is said.
    pub fn kept(terminal: Terminal) -> Self {
        Self { printed: false, ..Self::at_once(terminal) }
    }

    fn unpaced(self) -> Self {
        Self { pace: None, ..self }
    }

    /// All that was said so far.
    pub fn text(&self) -> String {
        self.text.iter().map(|line| format!("{line}\n")).collect()
    }

    /// A line that stays, with a frame below that does not.
    pub fn say(&mut self, line: impl Into<String>) {
        let line = line.into();
        if self.printed {
            self.live.show(&self.terminal, std::slice::from_ref(&line), &[]);
        }
        self.text.push(line);
    }

    /// Words in as many lines as it takes, each after the indent; the first with a sign before it.
    pub fn say_wrapped(&mut self, sign: &str, indent: usize, words: &str) {
        let mut sign = sign.to_owned();
        for line in wrap(words, self.terminal.width.saturating_sub(indent)) {
            self.say(format!("{sign}{line}"));
            sign = " ".repeat(indent);
        }
    }

    /// Something that was to be so, and whether it is.
    pub fn check(&mut self, holds: bool, words: &str) {
        let signs = signs(&self.terminal);
        let (sign, ink) = if holds { (signs.good, Ink::Good) } else { (signs.bad, Ink::Bad) };
        let sign = format!("    {} ", paint(&self.terminal, ink, sign));
        self.say_wrapped(&sign, 6, words);
    }

    /// Draws over the last frame, where a person watches.
    pub fn frame(&mut self, lines: &[String]) {
        if self.printed && self.terminal.live {
            self.live.show(&self.terminal, &[], lines);
        }
    }

    /// Lets a person look at what stood for so long, divided by the pace. Simulated time stands still meanwhile, since
    /// nothing else runs on this thread.
    #[allow(clippy::disallowed_methods, reason = "eyes see in real time")]
    pub fn linger(&self, span: Duration) {
        if let Some(pace) = self.pace {
            std::thread::sleep(span.div_f64(pace));
        }
    }
}
