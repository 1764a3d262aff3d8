//! The id of a violation: the same for the same bug in every run, on every machine, and after edits elsewhere in the file.
//!
//! It is made of what both parties are, not of where they stand: contract, operation, enclosing function and file; no
//! line numbers, no addresses, no order. Function names lose their generic arguments and closures, which compilers name
//! in different ways. The hash is FNV-1a with 64 bits (IETF draft-eastlake-fnv): fixed, tiny and good enough for names;
//! it is no defence against forged collisions, and need not be.

use super::frame::caller_frame;
use super::model::Party;

/// What identifies a party of a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyIdentity<'a> {
    /// The contract.
    pub contract: &'a str,
    /// The operation.
    pub operation: &'a str,
    /// The function that called it, or nothing where that is not known.
    pub function: &'a str,
    /// The normalised file of that function.
    pub file: &'a str,
}

impl<'a> PartyIdentity<'a> {
    /// The identity of `party`: function and file are those of its [`caller_frame`]. Where the stack does not show that,
    /// the file is that of the call site and the function empty, so such a party has another id than one with a stack.
    pub fn of(party: &'a Party) -> Self {
        let frame = caller_frame(&party.stack, &party.site);
        Self {
            contract: &party.contract,
            operation: &party.operation,
            function: frame.map_or("", |frame| &frame.function),
            file: frame
                .and_then(|frame| frame.file.as_deref())
                .unwrap_or(&party.site.file),
        }
    }
}

impl PartyIdentity<'_> {
    fn parts(self) -> [String; 4] {
        [
            self.contract.to_owned(),
            self.operation.to_owned(),
            enclosing_function(self.function),
            self.file.to_owned(),
        ]
    }
}

/// The id of a violation between `a` and `b`, whichever came first: 16 hexadecimal digits.
pub fn fingerprint(a: PartyIdentity<'_>, b: PartyIdentity<'_>) -> String {
    let mut parties = [a, b].map(PartyIdentity::parts);
    parties.sort();
    hash(parties.as_flattened())
}

/// The id of a violation of a region, whose accesses are `first` and `last`, by `foreign` in between.
pub fn fingerprint_of_region(
    first: PartyIdentity<'_>,
    foreign: PartyIdentity<'_>,
    last: PartyIdentity<'_>,
) -> String {
    hash(
        [first, foreign, last]
            .map(PartyIdentity::parts)
            .as_flattened(),
    )
}

fn hash(parts: &[String]) -> String {
    let mut hash = FNV_OFFSET;
    for part in parts {
        // The byte 0xff is in no UTF-8 text, so it keeps neighbours apart.
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
    }
    format!("{hash:016x}")
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The named function around `function`: without generic arguments, closures (`{{closure}}`, `{closure#0}`), and the
/// brackets that the newer mangling has around the type of a method.
fn enclosing_function(function: &str) -> String {
    let mut name = String::with_capacity(function.len());
    // Of brackets that stay: `<T as Trait>`, `<impl T>`.
    let mut depth = 0_usize;
    let mut rest = function;
    while let Some(character) = rest.chars().next() {
        let is_list =
            name.ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == ':');
        if character == '<' && is_list && !rest.starts_with("<impl ") {
            // Broken text stays as it is.
            let Some(length) = bracketed(rest) else {
                return function.to_owned();
            };
            name.truncate(name.trim_end_matches("::").len());
            rest = &rest[length..];
            continue;
        }
        if depth == 0 && (rest.starts_with("::{{closure}}") || rest.starts_with("::{closure#")) {
            break;
        }
        match character {
            '<' => depth += 1,
            '>' if !name.ends_with('-') => depth = depth.saturating_sub(1),
            _ => {}
        }
        name.push(character);
        rest = &rest[character.len_utf8()..];
    }
    match bracketed(&name) {
        Some(length) if name.starts_with('<') && !name[..length].contains(" as ") => {
            format!("{}{}", &name[1..length - 1], &name[length..])
        }
        _ => name,
    }
}

/// The length of the `<…>` that `text` begins with.
fn bracketed(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (index, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            // Not the arrow of a function type.
            '>' if previous != '-' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(index + character.len_utf8());
        }
        previous = character;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSERT: PartyIdentity<'_> = PartyIdentity {
        contract: "app::Slab",
        operation: "insert",
        function: "app::fill",
        file: "src/fill.rs",
    };
    const GET: PartyIdentity<'_> = PartyIdentity {
        contract: "app::Slab",
        operation: "get",
        function: "app::look",
        file: "src/look.rs",
    };

    #[test]
    fn ids_stay_what_they_were_released_as() {
        assert_eq!(fingerprint(INSERT, GET), "4b9794b59866dba0");
    }

    #[test]
    fn order_does_not_matter() {
        assert_eq!(fingerprint(INSERT, GET), fingerprint(GET, INSERT));
    }

    #[test]
    fn every_part_matters() {
        let id = fingerprint(INSERT, GET);
        for other in [
            PartyIdentity {
                contract: "app::Other",
                ..GET
            },
            PartyIdentity {
                operation: "len",
                ..GET
            },
            PartyIdentity {
                function: "app::other",
                ..GET
            },
            PartyIdentity {
                file: "src/other.rs",
                ..GET
            },
            INSERT,
        ] {
            assert_ne!(fingerprint(INSERT, other), id);
        }
        // Where one part ends and the next begins matters too.
        let shifted = PartyIdentity {
            function: "app::loo",
            file: "ksrc/look.rs",
            ..GET
        };
        assert_ne!(fingerprint(INSERT, shifted), id);
        let swapped = PartyIdentity {
            contract: GET.operation,
            operation: GET.contract,
            ..GET
        };
        assert_ne!(fingerprint(INSERT, swapped), id);
    }

    #[test]
    fn closures_and_generic_arguments_do_not_matter() {
        let id = fingerprint(INSERT, GET);
        for function in [
            "app::look::{{closure}}",
            "app::look::{closure#0}",
            "app::look::<u32, fn(u8) -> app::T<u8>>",
            "app::look::<u32>::{closure#1}::{closure#0}",
        ] {
            assert_eq!(
                fingerprint(INSERT, PartyIdentity { function, ..GET }),
                id,
                "{function}"
            );
        }
    }

    #[test]
    fn both_manglings_name_the_same_function() {
        for (function, enclosing) in [
            ("app::Slab<T>::insert", "app::Slab::insert"),
            ("<app::Slab<u32>>::insert", "app::Slab::insert"),
            (
                "<app::Slab<u32>>::insert::<fn(u8) -> u8>::{closure#0}",
                "app::Slab::insert",
            ),
            (
                "<app::Slab<T> as app::Go<A>>::go::{{closure}}",
                "<app::Slab as app::Go>::go",
            ),
            (
                "<app::Slab<u8> as app::Go<u8>>::go::<u8>",
                "<app::Slab as app::Go>::go",
            ),
            (
                "app::other::<impl app::Slab<u8>>::go",
                "app::other::<impl app::Slab>::go",
            ),
            (
                "<app::run::{closure#0} as app::Go>::go",
                "<app::run::{closure#0} as app::Go>::go",
            ),
            ("<&app::T as app::Go>::go", "<&app::T as app::Go>::go"),
            (
                "<alloc::boxed::Box<dyn Fn() -> u8>>::go",
                "alloc::boxed::Box::go",
            ),
        ] {
            assert_eq!(enclosing_function(function), enclosing);
        }
    }

    #[test]
    fn broken_names_stay() {
        for name in ["", "<", "a<", "app::broken::<u8", "<app::Slab::insert"] {
            assert_eq!(enclosing_function(name), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_panics(name in "[a:<>{}é-]{0,12}(::<|::\\{closure|<impl )?[a:<>{}é-]{0,12}") {
            enclosing_function(&name);
        }
    }

    #[test]
    fn the_caller_identifies_a_party_and_not_the_method() {
        use super::super::{Access, Context, Frame, Site};
        let at = |function: &str, file: &str, line| {
            Frame::new(function, Some(file.to_owned()), Some(line))
        };
        let mut party = Party {
            contract: "app::Slab".to_owned(),
            operation: "insert".to_owned(),
            access: Access::Write,
            role: None,
            test: None,
            site: Site::new("src/fill.rs", 5, 9),
            context: Context {
                thread: None,
                thread_id: 1,
                task: None,
                spawned_at: None,
            },
            entered_ms: 0.0,
            delayed_ms: 0.0,
            stack: vec![
                at("app::Slab::insert", "src/slab.rs", 3),
                at("app::fill", "src/fill.rs", 5),
            ],
        };
        assert_eq!(PartyIdentity::of(&party), INSERT);
        party.stack.clear();
        assert_eq!(
            PartyIdentity::of(&party),
            PartyIdentity {
                function: "",
                ..INSERT
            }
        );
    }
}
