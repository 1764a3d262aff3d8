//! Source paths that mean the same on every machine.
//!
//! The compiler writes paths into programs as it was called: relative to the workspace for its members, absolute for all
//! else. [`normalise`] keeps what identifies the file and drops where it happened to lie:
//!
//! | origin | as compiled | normalised |
//! |---|---|---|
//! | workspace | `src/a.rs`, `<root>/src/a.rs` | `src/a.rs` |
//! | standard library | `/rustc/<hash>/library/std/src/a.rs`, `…/lib/rustlib/src/rust/library/std/src/a.rs` | `std/src/a.rs` |
//! | registry | `…/registry/src/<index>/crate-1.2.3/src/a.rs` | `crate-1.2.3/src/a.rs` |
//! | git | `…/git/checkouts/<name>-<hash>/<rev>/src/a.rs` | `<name>.git/src/a.rs` |
//! | elsewhere | anything else | unchanged |
//!
//! Separators become `/`, bytes that are not UTF-8 the replacement character.

use std::path::{Path, PathBuf};

/// Where a source file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The workspace that is being built.
    Workspace,
    /// The standard library and what it is built from.
    Std,
    /// A package of a registry.
    Registry,
    /// A package from a git repository.
    Git,
    /// Another folder, for example of a path dependency outside of the workspace.
    Elsewhere,
}

impl Origin {
    /// Whether the user can be expected to edit the file: it is no downloaded library.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Workspace | Self::Elsewhere)
    }
}

/// The portable form of `path`, as the compiler wrote it. `root` is the workspace's, where it is known.
pub fn normalise(path: impl AsRef<Path>, root: Option<&Path>) -> String {
    classify(path.as_ref(), root).1
}

/// Where `path`, as the compiler wrote it, comes from. Exact where [`is_own_code`] has to guess.
pub fn origin(path: impl AsRef<Path>, root: Option<&Path>) -> Origin {
    classify(path.as_ref(), root).0
}

/// Whether a path that is already normalised is the user's own code: not of the standard library, a registry or git.
///
/// A workspace with a folder called like a crate of the standard library (`core/src/…`) is not told apart from it;
/// where the path is still as the compiler wrote it, [`origin`] is exact.
pub fn is_own_code(normalised: &str) -> bool {
    let first = normalised
        .split_once('/')
        .map_or(normalised, |(first, _)| first);
    !(is_std_folder(normalised) || first.ends_with(".git") || is_package_folder(first))
}

/// Whether a normalised path begins like one of the standard library.
pub(super) fn is_std_folder(normalised: &str) -> bool {
    normalised
        .split_once('/')
        .is_some_and(|(first, rest)| STD_CRATES.contains(&first) && rest.starts_with("src/"))
}

/// The root of the workspace this process belongs to: the first folder with a `Cargo.lock`, from `CARGO_MANIFEST_DIR`
/// or else from the current folder upwards.
pub fn workspace_root() -> Option<PathBuf> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let current = std::env::current_dir().ok();
    manifest
        .as_deref()
        .and_then(root_above)
        .or_else(|| current.as_deref().and_then(root_above))
}

/// The nearest folder from `start` upwards that has a `Cargo.lock`.
fn root_above(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .map(Path::to_path_buf)
}

/// Crates of the standard library whose code runs in users' programs.
const STD_CRATES: [&str; 9] = [
    "std",
    "core",
    "alloc",
    "test",
    "proc_macro",
    "panic_unwind",
    "panic_abort",
    "unwind",
    "backtrace",
];

fn classify(path: &Path, root: Option<&Path>) -> (Origin, String) {
    let path = slashed(path);
    // The root first: a workspace may itself lie in a folder that looks like one of cargo's.
    if let Some(relative) = root.and_then(|root| below(&path, &slashed(root))) {
        return (Origin::Workspace, relative.to_owned());
    }
    if let Some(rest) = in_std(&path) {
        return (Origin::Std, rest.to_owned());
    }
    if let Some((_, rest)) = path.split_once("/registry/src/")
        && let Some((_index, rest)) = rest.split_once('/')
        && rest
            .split_once('/')
            .is_some_and(|(package, _)| is_package_folder(package))
    {
        return (Origin::Registry, rest.to_owned());
    }
    if let Some((_, rest)) = path.split_once("/git/checkouts/")
        && let Some((checkout, rest)) = rest.split_once('/')
        && let Some((_revision, rest)) = rest.split_once('/')
    {
        let name = checkout
            .rsplit_once('-')
            .map_or(checkout, |(name, _hash)| name);
        return (Origin::Git, format!("{name}.git/{rest}"));
    }
    if is_absolute(&path) {
        return (Origin::Elsewhere, path);
    }
    // Built with trimmed paths, packages of a registry are relative too.
    let origin = match path.split_once('/') {
        Some((package, _)) if is_package_folder(package) => Origin::Registry,
        _ => Origin::Workspace,
    };
    let path = path.strip_prefix("./").map(str::to_owned).unwrap_or(path);
    (origin, path)
}

/// What follows the library folder of the compiler's own sources.
fn in_std(path: &str) -> Option<&str> {
    if let Some((_hash, rest)) = path
        .strip_prefix("/rustc/")
        .and_then(|rest| rest.split_once('/'))
    {
        return Some(rest.strip_prefix("library/").unwrap_or(rest));
    }
    if let Some((_, rest)) = path.split_once("/lib/rustlib/src/rust/") {
        return Some(rest.strip_prefix("library/").unwrap_or(rest));
    }
    // Packages that the standard library itself is built from.
    path.strip_prefix("/rust/deps/")
}

/// `path` relative to `root`, if it lies below.
fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let root = root.trim_end_matches('/');
    if root.is_empty() {
        return None;
    }
    path.strip_prefix(root)?.strip_prefix('/')
}

/// The path as text with `/` between its parts, without the prefix of Windows' verbatim paths.
fn slashed(path: &Path) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    path.strip_prefix("//?/").map(str::to_owned).unwrap_or(path)
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.as_bytes().get(1) == Some(&b':')
}

/// Whether a folder is called like an unpacked package: `name-1.2.3`.
fn is_package_folder(folder: &str) -> bool {
    folder.char_indices().filter(|(_, character)| *character == '-').any(|(dash, _)| {
        let mut numbers = folder[dash + 1..].splitn(3, '.');
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        dash > 0
            && numbers.next().is_some_and(is_number)
            && numbers.next().is_some_and(is_number)
            // The last one may carry a pre-release or build part.
            && numbers.next().is_some_and(|part| part.starts_with(|first: char| first.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(path: &str) -> (Origin, String) {
        classify(Path::new(path), Some(Path::new("/home/me/app")))
    }

    fn is(origin: Origin, path: &str) -> (Origin, String) {
        (origin, path.to_owned())
    }

    #[test]
    fn workspace_files_are_relative_to_the_root() {
        assert_eq!(
            normal("/home/me/app/src/a.rs"),
            is(Origin::Workspace, "src/a.rs")
        );
        assert_eq!(normal("src/a.rs"), is(Origin::Workspace, "src/a.rs"));
        assert_eq!(normal("./src/a.rs"), is(Origin::Workspace, "src/a.rs"));
        assert_eq!(
            normal("core/src/a.rs"),
            is(Origin::Workspace, "core/src/a.rs")
        );
        assert_eq!(
            normal("/home/me/app2/src/a.rs"),
            is(Origin::Elsewhere, "/home/me/app2/src/a.rs")
        );
    }

    #[test]
    fn std_files_lose_the_toolchain() {
        let hash = "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860";
        assert_eq!(
            normal(&format!("{hash}/library/std/src/a.rs")),
            is(Origin::Std, "std/src/a.rs")
        );
        assert_eq!(
            normal(&format!("{hash}/library/core/src/a.rs")),
            is(Origin::Std, "core/src/a.rs")
        );
        assert_eq!(
            normal("/opt/rust/toolchains/stable/lib/rustlib/src/rust/library/alloc/src/a.rs"),
            is(Origin::Std, "alloc/src/a.rs")
        );
        assert_eq!(
            normal("/rust/deps/hashbrown-0.15.2/src/raw.rs"),
            is(Origin::Std, "hashbrown-0.15.2/src/raw.rs")
        );
    }

    #[test]
    fn packages_keep_name_and_version() {
        assert_eq!(
            normal("/home/me/.cargo/registry/src/index-6f17d22b/serde-1.0.228/src/de.rs"),
            is(Origin::Registry, "serde-1.0.228/src/de.rs")
        );
        assert_eq!(
            normal("serde-1.0.228/src/de.rs"),
            is(Origin::Registry, "serde-1.0.228/src/de.rs")
        );
        assert_eq!(
            normal("/x/registry/src/i/a-b-0.1.0-rc.1/src/de.rs"),
            is(Origin::Registry, "a-b-0.1.0-rc.1/src/de.rs")
        );
    }

    #[test]
    fn git_checkouts_keep_the_name() {
        assert_eq!(
            normal("/home/me/.cargo/git/checkouts/my-lib-0a1b2c3d4e5f6071/9f8e7d6/sub/src/a.rs"),
            is(Origin::Git, "my-lib.git/sub/src/a.rs")
        );
    }

    #[test]
    fn windows_paths_are_read_too() {
        let classify = |path: &str| classify(Path::new(path), Some(Path::new(r"\\?\C:\work\app")));
        assert_eq!(
            classify(r"C:\work\app\src\a.rs"),
            is(Origin::Workspace, "src/a.rs")
        );
        assert_eq!(
            classify(r"C:\me\.cargo\registry\src\index-1\serde-1.0.228\src\de.rs"),
            is(Origin::Registry, "serde-1.0.228/src/de.rs")
        );
        assert_eq!(
            classify(r"/rustc/abc\library\std\src\a.rs"),
            is(Origin::Std, "std/src/a.rs")
        );
        assert_eq!(
            classify(r"D:\other\a.rs"),
            is(Origin::Elsewhere, "D:/other/a.rs")
        );
    }

    #[test]
    fn without_a_root_absolute_paths_stay() {
        assert_eq!(
            normalise("/home/me/app/src/a.rs", None),
            "/home/me/app/src/a.rs"
        );
        assert_eq!(
            normalise("/home/me/app/src/a.rs", Some(Path::new(""))),
            "/home/me/app/src/a.rs"
        );
        assert_eq!(normalise("/a.rs", Some(Path::new("/"))), "/a.rs");
    }

    #[test]
    fn a_workspace_inside_a_checkout_is_a_workspace() {
        let root = Path::new("/ci/git/checkouts/app-0011/abc");
        assert_eq!(
            normalise("/ci/git/checkouts/app-0011/abc/src/a.rs", Some(root)),
            "src/a.rs"
        );
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_utf_8_are_replaced() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"/home/me/\xff/src/a.rs"));
        let root = Path::new(OsStr::from_bytes(b"/home/me/\xff"));
        assert_eq!(normalise(path, Some(root)), "src/a.rs");
        assert_eq!(normalise(path, None), "/home/me/\u{fffd}/src/a.rs");
    }

    #[test]
    fn own_code_is_neither_std_nor_downloaded() {
        for own in [
            "src/a.rs",
            "crates/core/src/a.rs",
            "/elsewhere/a.rs",
            "std.rs",
            "my-crate/a.rs",
            "v-1.2/a.rs",
        ] {
            assert!(is_own_code(own), "{own}");
        }
        for library in [
            "std/src/a.rs",
            "core/src/a.rs",
            "serde-1.0.228/src/de.rs",
            "my-lib.git/src/a.rs",
        ] {
            assert!(!is_own_code(library), "{library}");
        }
    }

    #[test]
    fn the_root_is_the_nearest_folder_with_a_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(folder.path().join("Cargo.lock"), "").unwrap();
        assert_eq!(root_above(&inner).as_deref(), Some(folder.path()));
        std::fs::write(folder.path().join("a/Cargo.lock"), "").unwrap();
        assert_eq!(root_above(&inner), Some(folder.path().join("a")));
    }
}
