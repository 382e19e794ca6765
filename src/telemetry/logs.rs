//! Where log lines go and what they look like. Must not know: what is logged.

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;

use tracing::field::Field;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::shape::Time;

/// Targets that never get below INFO, whatever the filter says: at TRACE the SDK prints whole requests and answers,
/// and those carry the environment of containers.
const CAPPED: &[&str] = &["aws_", "hyper", "h2", "rustls", "tower"];

/// For people, or for a log pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("'{0}' is not a log format: text, json")]
    Format(String),
    #[error("bad log filter '{filter}'")]
    Filter {
        filter: String,
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    #[error("logging is set up already")]
    Installed(#[from] tracing_subscriber::util::TryInitError),
}

impl FromStr for LogFormat {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(LogError::Format(other.to_owned())),
        }
    }
}

/// Sends log lines to standard error, for the whole process. `filter` is as in `RUST_LOG`: `info`,
/// `info,ecs_operator::plan=debug`; lines carry the time that `now` tells.
///
/// # Errors
/// A filter that cannot be read, or a second call.
pub fn init_logs(
    format: LogFormat,
    filter: &str,
    now: impl Fn() -> Time + Send + Sync + 'static,
) -> Result<(), LogError> {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Ok(subscriber(format, filter, colour, now, io::stderr)?.try_init()?)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colour: bool,
    now: impl Fn() -> Time + Send + Sync + 'static,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?
        .and(filter_fn(below_cap).with_max_level_hint(LevelFilter::TRACE));
    let lines = tracing_subscriber::fmt::layer().with_timer(Stamp(now)).with_writer(writer).with_ansi(colour);
    let lines = match format {
        LogFormat::Text => lines.fmt_fields(debug_fn(field)).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(tracing_subscriber::registry().with(lines.with_filter(filter)))
}

fn below_cap(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || !CAPPED.iter().any(|target| line.target().starts_with(target))
}

/// One field of a text line. Values come from manifests and from AWS: a control character among them could rewrite the
/// terminal, a newline forge a line. (JSON escapes both by itself.)
fn field(w: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let text = format!("{value:?}");
    if text == "\"\"" {
        return Ok(()); // told by its absence
    }
    if field.name() != "message" {
        write!(w, " {}=", field.name())?;
    }
    for c in text.chars() {
        if c.is_control() { write!(w, "{}", c.escape_default())? } else { w.write_char(c)? }
    }
    Ok(())
}

/// The injected clock, as a log line shows it.
struct Stamp<F>(F);

impl<F: Fn() -> Time> FormatTime for Stamp<F> {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", (self.0)())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    pub(in crate::telemetry) fn logged(format: LogFormat, filter: &str, act: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(format, filter, false, || Time(951_782_400_000), move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_carries_the_time_it_is_told() {
        let text = logged(LogFormat::Text, "info", || tracing::info!(key = "prod/Service/web", "pass ended"));
        assert!(text.starts_with("2000-02-29T00:00:00.000Z  INFO "), "{text}");
        assert!(text.contains("pass ended key=\"prod/Service/web\""), "{text}");
        let json = logged(LogFormat::Json, "info", || tracing::info!(changes = 2, "pass ended"));
        assert!(json.contains(r#""timestamp":"2000-02-29T00:00:00.000Z""#), "{json}");
        assert!(json.contains(r#""changes":2"#) && json.contains(r#""message":"pass ended""#), "{json}");
    }

    #[test]
    fn no_filter_opens_the_bodies_of_the_sdk() {
        for filter in ["trace", "trace,aws_smithy_runtime=trace", "aws_smithy_runtime::client=trace,hyper_util=debug"] {
            let text = logged(LogFormat::Text, filter, || {
                tracing::trace!(target: "aws_smithy_runtime::client", request = "PASSWORD", "transmitting");
                tracing::debug!(target: "hyper_util::client", "PASSWORD");
                tracing::info!(target: "aws_smithy_runtime::client", "that much");
            });
            assert!(!text.contains("PASSWORD"), "{text}");
            assert!(text.contains("that much"), "{text}");
        }
        let own = logged(LogFormat::Text, "trace", || tracing::trace!(target: "ecs_operator::plan", "own"));
        assert!(own.contains("own"), "{own}");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let text = logged(LogFormat::Text, "info", || {
            tracing::info!(name = %"\u{1b}[2Jgone\n2026 forged", empty = "", "{}", "\u{1b}[31mred\r");
        });
        assert!(text.ends_with(" \\u{1b}[31mred\\r name=\\u{1b}[2Jgone\\n2026 forged\n"), "{text:?}");
    }

    #[test]
    fn a_bad_filter_or_format_is_named() {
        let bad = subscriber(LogFormat::Text, "info,a=loud", false, Time::default, io::sink).err().unwrap();
        assert_eq!(bad.to_string(), "bad log filter 'info,a=loud'");
        assert_eq!("xml".parse::<LogFormat>().unwrap_err().to_string(), "'xml' is not a log format: text, json");
        assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
    }
}
