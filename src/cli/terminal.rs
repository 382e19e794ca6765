//! What the other end of a stream can show: how wide it is, whether it takes colours, lines beyond ASCII, redrawing.
//! Must not know: what is drawn.
//!
//! | said by | means |
//! |---|---|
//! | `NO_COLOR` (not empty) | no colours |
//! | `TERM=dumb` | no colours, ASCII, no redrawing |
//! | `LC_ALL`, else `LC_CTYPE`, else `LANG` | lines beyond ASCII, if it names UTF-8 |
//! | `COLUMNS` | the width, on a terminal or not |

use std::io::{self, IsTerminal};

use terminal_size::{Height, Width, terminal_size_of};

/// What a stream can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns.
    pub width: usize,
    /// Lines that can be seen at once.
    pub height: usize,
    pub colour: bool,
    /// Lines and blocks beyond ASCII.
    pub unicode: bool,
    /// A person watches, and lines can be drawn over.
    pub live: bool,
}

/// Where there is no terminal, or none that tells.
const WIDTH_DEFAULT: usize = 100;
const HEIGHT_DEFAULT: usize = 24;
/// Narrower than this nothing can be laid out; wider, nobody follows a line with the eyes.
const WIDTH_LEAST: usize = 40;
const WIDTH_MOST: usize = 240;

impl Terminal {
    /// What a file or a pipe takes, whatever the machine.
    pub const PLAIN: Self =
        Self { width: WIDTH_DEFAULT, height: HEIGHT_DEFAULT, colour: false, unicode: false, live: false };

    /// What standard output can show.
    pub fn of_stdout() -> Self {
        let stream = io::stdout();
        Self::of(stream.is_terminal(), terminal_size_of(&stream), |name| std::env::var(name).ok())
    }

    /// What standard error can show.
    pub fn of_stderr() -> Self {
        let stream = io::stderr();
        Self::of(stream.is_terminal(), terminal_size_of(&stream), |name| std::env::var(name).ok())
    }

    fn of(is_terminal: bool, size: Option<(Width, Height)>, env: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name: &str| env(name).filter(|value| !value.is_empty());
        let dumb = said("TERM").is_some_and(|term| term == "dumb");
        let locale = said("LC_ALL").or_else(|| said("LC_CTYPE")).or_else(|| said("LANG")).unwrap_or_default();
        let utf8 = ["utf-8", "utf8"].iter().any(|name| locale.to_lowercase().contains(name));
        let columns = said("COLUMNS").and_then(|columns| columns.parse().ok());
        let size = size.filter(|(width, height)| width.0 > 0 && height.0 > 0);
        let width = columns.or(size.map(|(width, _)| width.0.into())).unwrap_or(WIDTH_DEFAULT);
        Self {
            width: width.clamp(WIDTH_LEAST, WIDTH_MOST),
            height: size.map_or(HEIGHT_DEFAULT, |(_, height)| height.0.into()),
            colour: is_terminal && !dumb && said("NO_COLOR").is_none(),
            unicode: utf8 && !dumb,
            live: is_terminal && !dumb,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(is_terminal: bool, env: &[(&str, &str)]) -> Terminal {
        let size = is_terminal.then_some((Width(132), Height(50)));
        let env = |name: &str| env.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        Terminal::of(is_terminal, size, env)
    }

    #[test]
    fn a_terminal_gets_everything_and_a_pipe_only_what_a_file_takes() {
        let all = Terminal { width: 132, height: 50, colour: true, unicode: true, live: true };
        assert_eq!(of(true, &[("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8")]), all);
        assert_eq!(of(false, &[("TERM", "xterm-256color")]), Terminal::PLAIN);
        assert_eq!(of(false, &[("LANG", "C.utf8")]), Terminal { unicode: true, ..Terminal::PLAIN });
    }

    #[test]
    fn what_people_say_in_the_environment_counts() {
        let no_colour = of(true, &[("NO_COLOR", "1"), ("LC_CTYPE", "de_DE.UTF-8")]);
        assert!(!no_colour.colour && no_colour.unicode && no_colour.live);
        assert!(of(true, &[("NO_COLOR", "")]).colour, "empty is unset");
        let dumb = of(true, &[("TERM", "dumb"), ("LANG", "en_GB.UTF-8")]);
        assert!(!dumb.colour && !dumb.unicode && !dumb.live);
        assert!(!of(true, &[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]).unicode, "LC_ALL wins");
        for (columns, width) in [("72", 72), ("5", WIDTH_LEAST), ("5000", WIDTH_MOST), ("wide", 132)] {
            assert_eq!(of(true, &[("COLUMNS", columns)]).width, width);
        }
    }
}
