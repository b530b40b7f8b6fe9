//! Formats durations as text for people.

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A time below this number of seconds is "just now".
const JUST_NOW: u64 = 5;

/// Formats how long ago something happened.
pub(crate) fn ago(seconds: u64) -> String {
    match seconds {
        0..JUST_NOW => "just now".to_owned(),
        JUST_NOW..MINUTE => format!("{} ago", counted(seconds, "second")),
        MINUTE..HOUR => format!("{} ago", counted(seconds / MINUTE, "minute")),
        HOUR..DAY => format!("{} ago", counted(seconds / HOUR, "hour")),
        DAY.. => format!("{} ago", counted(seconds / DAY, "day")),
    }
}

/// Formats how much time is left.
pub(crate) fn left(seconds: u64) -> String {
    if seconds >= HOUR {
        return hours(seconds);
    }
    let (minutes, rest) = (seconds / MINUTE, seconds % MINUTE);
    match (minutes, rest) {
        (0, 0) => "none".to_owned(),
        (0, rest) => counted(rest, "second"),
        (minutes, 0) => counted(minutes, "minute"),
        (minutes, rest) => format!("{} {}", counted(minutes, "minute"), counted(rest, "second")),
    }
}

/// Formats hours and minutes, without seconds.
fn hours(seconds: u64) -> String {
    match (seconds / HOUR, seconds % HOUR / MINUTE) {
        (hours, 0) => counted(hours, "hour"),
        (hours, minutes) => format!("{} {}", counted(hours, "hour"), counted(minutes, "minute")),
    }
}

/// Formats a number with its noun, for example "1 hour" or "2 hours".
pub(crate) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_times_use_the_largest_unit() {
        let said = [0, 4, 5, 59, 60, 119, 120, 3_599, 3_600, 7_200, 86_399, 86_400, 172_800].map(ago);
        let expected = [
            "just now",
            "just now",
            "5 seconds ago",
            "59 seconds ago",
            "1 minute ago",
            "1 minute ago",
            "2 minutes ago",
            "59 minutes ago",
            "1 hour ago",
            "2 hours ago",
            "23 hours ago",
            "1 day ago",
            "2 days ago",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn time_left_shows_seconds_only_below_one_hour() {
        assert_eq!([3_600, 3_659, 3_660, 86_400].map(left), ["1 hour", "1 hour", "1 hour 1 minute", "24 hours"]);
        let said = [0, 1, 59, 60, 61, 108, 120].map(left);
        let expected =
            ["none", "1 second", "59 seconds", "1 minute", "1 minute 1 second", "1 minute 48 seconds", "2 minutes"];
        assert_eq!(said, expected);
    }
}
