//! Off is free: without the feature `detect` an annotated crate compiles to the assembly of a plain one, and `tsvd`
//! depends on its macros alone.
//!
//! The crates are `xtask/asm/annotated` and `xtask/asm/plain`: one source, with the annotations turned into comments, and
//! drop-ins into what they stand for, in the plain one. They have one package name and the same dependencies, so cargo and rustc give them one identity, and
//! whole assemblies can be compared letter by letter, symbol names, debug information and the lines in panic locations
//! included. Nothing is normalised; only is rustc told to put all code in one file, and to take the folder that a crate
//! lies in for another (`--remap-path-prefix`), since debug information names it.
//!
//! A drop-in's `entry` is an enum that is made anew: of these functions, in a build of their own, every instruction is counted but
//! the moves, of which the drop-in may have no more.
//!
//! With `tsvd/detect` the same comparisons have to find a difference, else they prove nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Outcome, fail};
use crate::workspace::Workspace;

const ANNOTATED: &str = "xtask/asm/annotated";
const PLAIN: &str = "xtask/asm/plain";

/// How `tsvd` and its macros are built. In the second way the macro crate, which is shared with whatever else is built, has
/// the feature that another package asked for, while `tsvd` is off.
const OFF: [(&str, &str); 2] = [
    ("off", ""),
    ("expanded", "--features tsvd-annotations/expand"),
];
const ON: (&str, &str) = ("on", "--features tsvd/detect");

/// The builds with functions that use `entry`, and the names of these.
const ENTRIES: [(&str, &str); 2] = [
    (OFF[0].0, "--features entries"),
    (ON.0, "--features entries,tsvd/detect"),
];
const ENTRY: &str = "drop_in_entry_";

const PROFILES: [&str; 2] = ["dev", "release"];

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    dependencies(workspace)?;
    let annotated = read(&workspace.root.join(ANNOTATED).join("src/lib.rs"))?;
    let plain = read(&workspace.root.join(PLAIN).join("src/lib.rs"))?;
    let names = operations(&annotated, &plain)?;
    for (mode, features) in OFF {
        let mut compared = String::new();
        for profile in PROFILES {
            let [annotated, plain] = both(workspace, mode, features, profile)?;
            if let Some(difference) = difference(&annotated, &plain) {
                return fail(format!(
                    "annotations are not free ({mode}, {profile}): the assembly differs\n{difference}"
                ));
            }
            println!(
                "same assembly ({mode}, {profile}): {} lines",
                plain.lines().count()
            );
            compared.push_str(&plain);
        }
        covers(&compared, &names)?;
    }
    let [annotated, plain] = both(workspace, ON.0, ON.1, "dev")?;
    if difference(&annotated, &plain).is_none() {
        return fail(format!(
            "with `{}` the assembly is the same too: this comparison cannot fail",
            ON.1
        ));
    }
    println!("with detection it differs, as it must");
    entries(workspace)
}

/// The functions that use `entry` do the same, and with no more moves.
fn entries(workspace: &Workspace) -> Outcome {
    let [off, on] = ENTRIES.map(|(mode, features)| {
        let [ours, plain] = both(workspace, mode, features, "release")?;
        Ok([&ours, &plain].map(|assembly| functions(assembly)))
    });
    let ([ours, plain], [watched, unwatched]) = (off?, on?);
    if plain.is_empty() {
        return fail(format!(
            "no function `{ENTRY}…` of xtask/asm is in the assembly"
        ));
    }
    if let Some(difference) = dearer(&ours, &plain) {
        return fail(format!("`entry` of a drop-in is not free: {difference}"));
    }
    if dearer(&watched, &unwatched).is_none() {
        return fail("with detection `entry` is the same too: this comparison cannot fail");
    }
    println!(
        "same instructions but for moves (off, release): {} functions",
        plain.len()
    );
    Ok(())
}

/// How often each instruction is in a function.
type Counts = BTreeMap<String, usize>;

/// What a drop-in's functions do that the plain ones do not, or do not as often.
fn dearer(ours: &BTreeMap<String, Counts>, plain: &BTreeMap<String, Counts>) -> Option<String> {
    if ours.keys().ne(plain.keys()) {
        return Some("the functions are not the same".to_owned());
    }
    ours.iter()
        .zip(plain.values())
        .find_map(|((name, ours), plain)| {
            let mut instructions = ours.keys().chain(plain.keys());
            instructions.find_map(|instruction| {
                let [ours, plain] =
                    [ours, plain].map(|counts| counts.get(instruction).copied().unwrap_or(0));
                let may_be_fewer = MOVES.contains(&instruction.as_str());
                let same = ours == plain || (may_be_fewer && ours < plain);
                (!same).then(|| {
                    format!(
                        "`{name}` has `{instruction}` {ours} times, the plain one {plain} times"
                    )
                })
            })
        })
}

/// Moves of a word between registers and memory, of x86-64 and of AArch64.
const MOVES: [&str; 5] = ["movq", "mov", "ldr", "str", "ldp"];

/// The functions `drop_in_entry_…` of an assembly; calls count by whom they call.
fn functions(assembly: &str) -> BTreeMap<String, Counts> {
    let mut functions: BTreeMap<String, Counts> = BTreeMap::new();
    let mut inside = None;
    for line in assembly.lines() {
        if let Some(name) = line
            .strip_suffix(':')
            .filter(|name| name.starts_with(ENTRY))
        {
            inside = Some(functions.entry(name.to_owned()).or_default());
        } else if line.starts_with(".Lfunc_end") {
            inside = None;
        }
        let instruction = line
            .strip_prefix('\t')
            .filter(|code| !code.starts_with('.'));
        if let (Some(counts), Some(instruction)) = (&mut inside, instruction) {
            let mut words = instruction.split_whitespace();
            let name = match words.next() {
                Some("lock" | "call" | "callq" | "bl" | "rep") => instruction
                    .split_whitespace()
                    .take(2)
                    .collect::<Vec<_>>()
                    .join(" "),
                Some(name) => name.to_owned(),
                None => continue,
            };
            *counts.entry(name).or_default() += 1;
        }
    }
    functions
}

/// Without features `tsvd` has one dependency, its macros, which have none.
fn dependencies(workspace: &Workspace) -> Outcome {
    let tree = workspace.command("cargo tree -p tsvd -e normal --prefix none");
    let tree = tree.capture()?;
    let packages: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    if packages != ["tsvd", "tsvd-annotations"] {
        return fail(format!(
            "without features tsvd depends on more than its macros:\n{tree}"
        ));
    }
    Ok(())
}

/// The assembly of the annotated crate and of the plain one.
fn both(workspace: &Workspace, mode: &str, features: &str, profile: &str) -> Outcome<[String; 2]> {
    let target = workspace.target.join("asm").join(mode);
    let of = |folder: &str| assembly(workspace, folder, &target, features, profile);
    Ok([of(ANNOTATED)?, of(PLAIN)?])
}

fn assembly(
    workspace: &Workspace,
    folder: &str,
    target: &Path,
    features: &str,
    profile: &str,
) -> Outcome<String> {
    let folder_name = if profile == "dev" { "debug" } else { profile };
    let built = target.join(folder_name).join("deps");
    for old in outputs(&built) {
        fs::remove_file(&old)
            .map_err(|error| Failure(format!("cannot remove {}: {error}", old.display())))?;
    }
    let path = workspace.root.join(folder);
    // Without `clean` cargo would take a crate that it has built before for finished, and write no assembly.
    let clean = workspace.apart(folder, "cargo clean --quiet -p subject")?;
    clean.env("CARGO_TARGET_DIR", target).run()?;
    let line = format!(
        "cargo rustc --quiet --lib --profile {profile} {features} -- --emit asm -C codegen-units=1"
    );
    let compile = workspace
        .apart(folder, &line)?
        .arg(format!("--remap-path-prefix={}=/subject", path.display()))
        .env("CARGO_TARGET_DIR", target)
        // Increments are cut into units of their own.
        .env("CARGO_INCREMENTAL", "0");
    compile.run()?;
    match outputs(&built).as_slice() {
        [file] => read(file),
        files => fail(format!(
            "{} assembly files, not 1, from `{compile}`",
            files.len()
        )),
    }
}

/// The assembly of the crate `subject` in a folder.
fn outputs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("subject-") && name.ends_with(".s")
    };
    entries.map(|entry| entry.path()).filter(ours).collect()
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path)
        .map_err(|error| Failure(format!("cannot read {}: {error}", path.display())))
}

/// Makes sure that the sources differ in annotations only, and returns the names of the annotated functions.
fn operations(annotated: &str, plain: &str) -> Outcome<Vec<String>> {
    if annotated.lines().count() != plain.lines().count() {
        return fail("the sources under xtask/asm are not of one length");
    }
    let mut names = Vec::new();
    let mut marked = false;
    for (number, (annotated, plain)) in annotated.lines().zip(plain.lines()).enumerate() {
        let code = annotated.trim_start();
        let attribute = code.starts_with("#[tsvd::");
        let annotation = attribute || code.starts_with("let _scope = tsvd::scope(");
        let commented = plain.trim_start().strip_prefix("// ") == Some(code);
        let drop_in = stands_for(code).is_some_and(|other| plain.trim_start() == other);
        if annotated != plain && !(commented && annotation) && !drop_in {
            return fail(format!(
                "line {} of the sources under xtask/asm differs in more than an annotation:\n  {annotated}\n  {plain}",
                number + 1
            ));
        }
        if code == "#[inline]" {
            // It has no name in the assembly: its caller has it.
            marked = false;
        } else if attribute {
            marked = !code.starts_with("#[tsvd::contract");
        } else if let Some((_, rest)) = code.split_once("fn ").filter(|_| marked) {
            names.push(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
            marked = false;
        }
    }
    match names.len() {
        0 => fail("no function of xtask/asm/annotated is annotated"),
        _ => Ok(names),
    }
}

/// What the plain twin has in place of the `use` of a drop-in.
fn stands_for(code: &str) -> Option<String> {
    [
        ("tsvd::dashmap::", "dashmap::"),
        ("tsvd::sync::", "std::sync::"),
    ]
    .into_iter()
    .find_map(|(ours, theirs)| {
        let name = code.strip_prefix("use ")?.strip_prefix(ours)?;
        Some(format!("use {theirs}{name}"))
    })
}

/// Every annotated function is in code, so that it was compared.
fn covers(assembly: &str, names: &[String]) -> Outcome {
    for name in names {
        // Mangled names give the length of each part; a function for other languages may not be mangled.
        let mangled = format!("{}{name}", name.len());
        let unmangled = format!("\n{name}:");
        if !assembly.contains(&mangled) && !assembly.contains(&unmangled) {
            return fail(format!(
                "`{name}` of xtask/asm is not in the assembly: let `calls` call it"
            ));
        }
    }
    Ok(())
}

/// The first lines that differ, with those before them.
fn difference(annotated: &str, plain: &str) -> Option<String> {
    const BEFORE: usize = 4;
    const AFTER: usize = 12;
    if annotated == plain {
        return None;
    }
    let lines: [Vec<&str>; 2] = [annotated.lines().collect(), plain.lines().collect()];
    let first =
        (0..).find(|&at| lines[0].get(at) != lines[1].get(at) || lines[0].get(at).is_none())?;
    let mut text = format!("first at line {}", first + 1);
    for (name, lines) in ["annotated", "plain"].into_iter().zip(&lines) {
        text.push_str(&format!("\n--- {name}, {} lines", lines.len()));
        for (at, line) in lines
            .iter()
            .enumerate()
            .skip(first.saturating_sub(BEFORE))
            .take(BEFORE + AFTER)
        {
            let mark = if at >= first { '>' } else { ' ' };
            text.push_str(&format!("\n{mark} {line}"));
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        let shown = difference("a\nb\nc\n", "a\nx\nc\n").unwrap();
        assert!(
            shown.starts_with("first at line 2\n--- annotated, 3 lines\n  a\n> b\n> c\n"),
            "{shown}"
        );
        assert!(
            shown.ends_with("--- plain, 3 lines\n  a\n> x\n> c"),
            "{shown}"
        );
        assert!(
            difference("a\n", "a\nb\n")
                .unwrap()
                .starts_with("first at line 2\n")
        );
        // Even if no line does, as with a missing end of line.
        assert!(difference("a\n", "a").is_some());
    }

    #[test]
    fn sources_may_differ_in_annotations_only() {
        let annotated = "#[tsvd::contract]\nimpl A {\n    #[tsvd::read]\n    pub fn get(&self) {}\n    fn new() {}\n}";
        let plain = "// #[tsvd::contract]\nimpl A {\n    // #[tsvd::read]\n    pub fn get(&self) {}\n    fn new() {}\n}";
        assert_eq!(operations(annotated, plain).unwrap(), ["get"]);
        let Failure(reason) = operations(annotated, &plain.replace("new()", "old()")).unwrap_err();
        assert!(reason.starts_with("line 5 of the sources"), "{reason}");
        operations(annotated, &plain.replace("// #[tsvd::read]", "#[inline]")).unwrap_err();
        operations(annotated, annotated.trim_end_matches('}').trim_end()).unwrap_err();
        operations("fn a() {}", "fn a() {}").unwrap_err();
        let drop_in = |line: &str| format!("{line}\n{annotated}");
        let ours = drop_in("use tsvd::sync::Mutex;");
        operations(&ours, &drop_in("use std::sync::Mutex;")).unwrap();
        operations(&ours, &drop_in("use std::sync::RwLock;")).unwrap_err();
    }

    #[test]
    fn what_is_not_compared_is_noticed() {
        let names = ["get".to_owned()];
        covers("_ZN7subject3get17h0E:", &names).unwrap();
        covers("_ZN7subject3put17h0E:", &names).unwrap_err();
        covers("\nget:\n", &names).unwrap();
    }

    #[test]
    fn a_function_may_have_fewer_moves_and_nothing_else() {
        let of = |code: &str| {
            functions(&format!(
                "drop_in_entry_a:\n\t.cfi_startproc\n{code}.Lfunc_end0:\n\tnop\n"
            ))
        };
        let plain = of("\tmovq\t%rax, %rbx\n\tcallq\ta@PLT\n\tlock\t\tcmpxchgq\t%rdx, (%rcx)\n");
        let fewer = of("\tcallq\ta@PLT\n\tlock\t\tcmpxchgq\t%rcx, (%rdi)\n");
        let other = of("\tmovq\t%rax, %rbx\n\tcallq\tb@PLT\n\tlock\t\tcmpxchgq\t%rdx, (%rcx)\n");
        assert_eq!(plain["drop_in_entry_a"].len(), 3, "{plain:?}");
        assert_eq!(dearer(&plain, &plain), None);
        assert_eq!(dearer(&fewer, &plain), None);
        assert!(dearer(&plain, &fewer).unwrap().contains("`movq` 1 times"));
        assert!(dearer(&other, &plain).unwrap().contains("`callq b@PLT`"));
        assert!(dearer(&plain, &BTreeMap::new()).is_some());
    }
}
