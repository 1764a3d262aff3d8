//! Times as they stand in reports.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that RFC 3339 can name: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// `time` in UTC with milliseconds, as RFC 3339 has it. What it cannot name becomes the nearest time it can.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_epoch = since_epoch.min(Duration::from_secs(LAST_SECOND));
    // `humantime` panics outside of this range.
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_epoch).to_string()
}

/// `duration` in milliseconds, to the microsecond.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        let time = UNIX_EPOCH + Duration::from_millis(951_782_400_250);
        assert_eq!(rfc3339(time), "2000-02-29T00:00:00.250Z");
    }

    #[test]
    fn a_wrong_clock_does_not_panic() {
        assert_eq!(
            rfc3339(UNIX_EPOCH - Duration::from_secs(1)),
            "1970-01-01T00:00:00.000Z"
        );
        let far = UNIX_EPOCH + Duration::from_secs(LAST_SECOND * 2);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn milliseconds_keep_three_places() {
        assert_eq!(millis(Duration::from_nanos(1_234_567)), 1.235);
        assert_eq!(millis(Duration::ZERO), 0.0);
    }
}
