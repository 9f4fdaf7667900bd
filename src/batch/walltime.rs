//! Wall times in the formats of people and schedulers: `30m`, `12:00:00`, `2-12:00:00`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A wall time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WallTime(u64);

/// Interval between repetitions, or `None` for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval(pub Option<WallTime>);

const EXPECTED: &str = "expected a time such as \"90s\", \"30m\", \"12h\", \"12:00:00\" or \"2-12:00:00\" (days-hours:minutes:seconds), above 0 and at most 36500 days";

/// The longest wall time [s]. Larger values could overflow the clock.
const LONGEST: u64 = 36_500 * 86_400;

impl WallTime {
    /// A wall time of some minutes.
    pub const fn minutes(minutes: u64) -> WallTime {
        WallTime(60 * minutes)
    }

    /// As a `Duration`.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromStr for WallTime {
    type Err = String;

    fn from_str(text: &str) -> Result<WallTime, String> {
        let seconds = with_unit(text).or_else(|| by_the_clock(text));
        let seconds = seconds.filter(|seconds| (1..=LONGEST).contains(seconds));
        seconds.map(WallTime).ok_or_else(|| format!("{text:?}: {EXPECTED}"))
    }
}

/// Parses `90s`, `30m`, `12h`, `2d`.
fn with_unit(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    number(&text[..text.len() - 1])?.checked_mul(unit)
}

/// Parses `H:MM:SS` or `D-HH:MM:SS`.
fn by_the_clock(text: &str) -> Option<u64> {
    let (days, clock) =
        text.split_once('-').map_or(Some((0, text)), |(days, clock)| Some((number(days)?, clock)))?;
    let parts: Vec<u64> = clock.split(':').map(number).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts[..] else { return None };
    let within = minutes < 60 && seconds < 60;
    within.then_some(())?;
    days.checked_mul(24)?.checked_add(hours)?.checked_mul(3600)?.checked_add(60 * minutes + seconds)
}

/// Parses digits only, without a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for WallTime {
    /// Formats the time for schedulers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}")
    }
}

impl TryFrom<String> for WallTime {
    type Error = String;

    fn try_from(text: String) -> Result<WallTime, String> {
        text.parse()
    }
}

impl From<WallTime> for String {
    fn from(time: WallTime) -> String {
        time.to_string()
    }
}

impl TryFrom<String> for Interval {
    type Error = String;

    fn try_from(text: String) -> Result<Interval, String> {
        if text == "never" {
            return Ok(Interval(None));
        }
        text.parse()
            .map(|time| Interval(Some(time)))
            .map_err(|fault: String| format!("{fault}, or \"never\""))
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> String {
        interval.0.map_or("never".to_owned(), String::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1800),
            ("12h", 43200),
            ("2d", 172_800),
            ("0:01:30", 90),
            ("100:00:00", 360_000),
            ("2-12:00:01", 216_001),
        ] {
            let time: WallTime = text.parse().unwrap();
            assert_eq!(time.duration(), Duration::from_secs(seconds), "{text}");
            assert_eq!(time.to_string().parse(), Ok(time), "{text}");
        }
        assert_eq!(WallTime::minutes(90).to_string(), "01:30:00");
        assert_eq!(Interval::try_from("never".to_owned()), Ok(Interval(None)));
    }

    #[test]
    fn what_could_be_meant_otherwise_is_refused() {
        for text in [
            "",
            "90",
            "12:00",
            "1:60:00",
            "0s",
            "-5m",
            "+5m",
            "1.5h",
            "5 m",
            "h",
            "1-2",
            "99999999999999999999s",
            "99999999999999999d",
            "9223372036854775807s",
            "18446744073709551615s",
            "36501d",
            "1000000000:00:00",
            "ü",
        ] {
            let message = text.parse::<WallTime>().unwrap_err();
            assert!(message.contains("12:00:00"), "{message}");
        }
    }
}
