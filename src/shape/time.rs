//! Points in time as AWS writes them: seconds since the epoch, with milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Tree;

/// Milliseconds since the Unix epoch. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// The instant `span` later.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        let gap = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(gap).unwrap_or(0))
    }

    /// As awsJson carries it: epoch seconds with a fraction.
    pub fn to_tree(self) -> Tree {
        Tree::Float(self.0 as f64 / 1000.0)
    }

    /// Reads epoch seconds, with or without a fraction.
    pub fn from_tree(tree: &Tree) -> Option<Self> {
        match tree {
            Tree::Int(seconds) => Some(Self(seconds.saturating_mul(1000))),
            Tree::Float(seconds) if seconds.is_finite() => Some(Self((seconds * 1000.0).round() as i64)),
            _ => None,
        }
    }

    /// Whole seconds since the epoch.
    pub fn epoch_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl From<SystemTime> for Time {
    fn from(at: SystemTime) -> Self {
        Self(at.duration_since(UNIX_EPOCH).map(millis).unwrap_or(0))
    }
}

impl From<Time> for SystemTime {
    fn from(at: Time) -> Self {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or(0))
    }
}

/// RFC 3339 in UTC with milliseconds, e.g. `2026-11-22T09:46:39.120Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, of_day) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil(days);
        let (seconds, millis) = (of_day / 1000, of_day % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Reads what [`Display`](fmt::Display) writes, with or without the milliseconds.
impl FromStr for Time {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok().filter(|number| *number >= 0);
        let marks = [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':')];
        let marked = marks.iter().all(|(at, mark)| text.get(*at..).is_some_and(|rest| rest.starts_with(*mark)));
        let read = || {
            let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
            let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
            let millis = match text.get(19..)? {
                "Z" => 0,
                rest if rest.len() == 5 && rest.starts_with('.') && rest.ends_with('Z') => part(20, 23)?,
                _ => return None,
            };
            let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
            let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
            fits.then_some(Self(seconds * 1000 + millis))
        };
        read().filter(|_| marked).ok_or(NoTime)
    }
}

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time such as 2026-11-22T09:46:39.120Z")]
pub struct NoTime;

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The day of a proleptic Gregorian date, from the epoch: what [`civil`] takes apart.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Days since the epoch as a proleptic Gregorian date; years begin in March so that the leap day is last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_known_dates() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (1_772_323_200_000, "2026-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Time(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(Time(ms)));
        }
        assert_eq!("2026-03-01T00:00:00Z".parse(), Ok(Time(1_772_323_200_000)));
        for wrong in ["", "2026-03-01", "2026-13-01T00:00:00Z", "2026-03-01T00:00:00", "2026-03-01T00:00:00.1Z"] {
            assert_eq!(wrong.parse::<Time>(), Err(NoTime), "{wrong}");
        }
    }

    #[test]
    fn survives_the_wire() {
        let at = Time(1_700_000_000_123);
        assert_eq!(Time::from_tree(&at.to_tree()), Some(at));
        assert_eq!(Time::from_tree(&Tree::Int(5)), Some(Time(5000)));
        assert_eq!(Time::from_tree(&Tree::Text("5".into())), None);
    }
}
