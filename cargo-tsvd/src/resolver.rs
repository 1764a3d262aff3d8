//! Which feature resolver a workspace has: the first one turns the features of dev-dependencies on in normal builds, too.

use std::path::Path;

use toml::de::{DeTable, DeValue};

/// What is to be said of the workspace at `root`, if anything.
pub(crate) fn note(root: &Path) -> Option<String> {
    let manifest = root.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).ok()?;
    is_first(&text).then(|| {
        format!(
            "note: this workspace has the feature resolver 1, with which detection is built into normal programs, too \
             (switched off, but not gone). `resolver = \"2\"` in {} keeps it to tests and examples.",
            manifest.display()
        )
    })
}

/// See "Resolver versions" in the Cargo book. What cannot be read is nothing to speak of.
fn is_first(manifest: &str) -> bool {
    let Ok(manifest) = DeTable::parse(manifest) else {
        return false;
    };
    let manifest = manifest.get_ref();
    let [package, workspace] = ["package", "workspace"].map(|name| table(manifest, name));
    let resolver = [workspace, package]
        .into_iter()
        .flatten()
        .find_map(|table| text(table, "resolver"));
    if let Some(resolver) = resolver {
        return resolver == "1";
    }
    let Some(package) = package else {
        // Without a package of its own a workspace has no edition to go by.
        return workspace.is_some();
    };
    let inherited = || {
        table(package, "edition")?;
        text(table(workspace?, "package")?, "edition")
    };
    let edition = text(package, "edition").or_else(inherited);
    edition.is_none_or(|edition| ["2015", "2018"].contains(&edition))
}

fn value<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a DeValue<'a>> {
    table.get(key).map(|value| value.get_ref())
}

fn table<'a>(of: &'a DeTable<'_>, key: &str) -> Option<&'a DeTable<'a>> {
    value(of, key)?.as_table()
}

fn text<'a>(of: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    value(of, key)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_resolver_is_told_from_the_others() {
        for first in [
            "[package]\nedition = \"2018\"",
            "[package]\nname = \"no-edition\"",
            "[workspace]\nmembers = []",
            "[workspace]\nresolver = \"1\"\n[package]\nedition = \"2021\"",
            "[package]\nedition = \"2021\"\nresolver = \"1\"",
            "[package]\nedition.workspace = true\n[workspace.package]\nedition = \"2018\"",
        ] {
            assert!(is_first(first), "{first}");
        }
        for other in [
            "[package]\nedition = \"2021\"",
            "[package]\nedition = \"2024\"",
            "[workspace]\nresolver = \"2\"",
            "[workspace]\nresolver = \"3\"",
            "[package]\nedition = \"2018\"\nresolver = \"2\"",
            "[package]\nedition.workspace = true\n[workspace.package]\nedition = \"2021\"",
            "no manifest",
        ] {
            assert!(!is_first(other), "{other}");
        }
    }
}
