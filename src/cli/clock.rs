//! The one place where a verb reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 UTC.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time after a number of days, in seconds since 1970 UTC.
pub(super) fn after_days(now: u64, days: Option<u32>) -> Option<u64> {
    days.map(|days| now + u64::from(days) * 86_400)
}

/// A human-readable time.
pub(super) fn day(time: u64) -> String {
    crate::repo::day(time)
}

/// The date from `SOURCE_DATE_EPOCH`, in seconds since 1970 UTC.
pub(super) fn source_date() -> Result<Option<u64>, super::error::Failure> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| {
        super::error::Failure::input(format!("SOURCE_DATE_EPOCH is not a number of seconds: `{text}`"))
    })
}
