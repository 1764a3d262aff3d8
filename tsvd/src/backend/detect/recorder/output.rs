//! What is said on stderr.

use std::io::Write as _;

#[cfg(unix)]
fn stderr() -> Option<std::fs::File> {
    use std::os::fd::AsFd;
    let stderr = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
    Some(stderr.into())
}

#[cfg(windows)]
fn stderr() -> Option<std::fs::File> {
    use std::os::windows::io::AsHandle;
    let stderr = std::io::stderr().as_handle().try_clone_to_owned().ok()?;
    Some(stderr.into())
}

#[cfg(not(any(unix, windows)))]
fn stderr() -> Option<std::io::Stderr> {
    Some(std::io::stderr())
}

/// To stderr in one piece; that it cannot be written is nobody's problem but ours.
pub(in crate::backend::detect) fn say(text: &str) {
    let line = format!("{}\n", text.trim_end_matches('\n'));
    // Not by std's handle, whose lock the guest may hold for as long as it likes.
    if let Some(mut stderr) = stderr() {
        let _ = stderr.write_all(line.as_bytes());
    }
}
