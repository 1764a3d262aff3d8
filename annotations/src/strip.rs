//! Takes the attributes of this crate off an item, token by token, and leaves everything else as it was written.
//!
//! Without the feature `expand` this is all the crate does, with `proc_macro` alone. With it, what comes out here is the
//! original that `__select!` is offered, so that both ways of being off give the same tokens.

#[cfg(not(feature = "expand"))]
use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};
#[cfg(feature = "expand")]
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

/// The attributes that make a method an operation.
const OPERATIONS: [&str; 3] = ["read", "write", "update"];

/// The last word of `path` if it names an operation attribute: bare, of `tsvd`, or of the crate that `krate` names.
///
/// Paths are texts without white space.
pub(crate) fn operation_name(path: &str, krate: Option<&str>) -> Option<&'static str> {
    let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
    OPERATIONS
        .into_iter()
        .find(|operation| *operation == name && (module.is_empty() || is_module(module, krate)))
}

fn is_module(module: &str, krate: Option<&str>) -> bool {
    let module = module.strip_suffix("::prelude").unwrap_or(module);
    let module = module.trim_start_matches("::");
    module == "tsvd" || krate.is_some_and(|krate| krate.trim_start_matches("::") == module)
}

/// Whether `path` is that of our attribute `name`, with the crate.
#[cfg(feature = "expand")]
pub(crate) fn is_ours(path: &str, krate: Option<&str>, name: &str) -> bool {
    path.rsplit_once("::")
        .is_some_and(|(module, last)| last == name && is_module(module, krate))
}

/// The attributes that make a function a test, whatever crate they are of.
const TESTS: [&str; 3] = ["test", "rstest", "test_case"];

/// The item as a test: with the standard attribute, unless another one makes a test of it.
pub(crate) fn test(item: TokenStream) -> TokenStream {
    let mut test = if is_test(item.clone()) {
        TokenStream::new()
    } else {
        marker()
    };
    test.extend(item);
    test
}

/// `#[test]`, whatever the user calls so.
pub(crate) fn marker() -> TokenStream {
    let attribute = "#[::core::prelude::v1::test]".parse().expect("it lexes");
    ours(attribute)
}

/// `tokens` with the edition of this crate.
fn ours(tokens: TokenStream) -> TokenStream {
    let respanned = tokens.into_iter().map(|mut tree| {
        if let TokenTree::Group(group) = &tree {
            tree = TokenTree::Group(Group::new(group.delimiter(), ours(group.stream())));
        }
        tree.set_span(Span::mixed_site());
        tree
    });
    respanned.collect()
}

/// Whether one of the attributes at the start of `item` makes a test of it. (The compiler has resolved each `cfg_attr` there.)
pub(crate) fn is_test(item: TokenStream) -> bool {
    let mut trees = open(item).into_iter();
    while let (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(attribute))) =
        (trees.next(), trees.next())
    {
        if hash.as_char() != '#' {
            return false;
        }
        let attribute: Vec<TokenTree> = open(attribute.stream()).into_iter().collect();
        let path = path_text(&attribute);
        if TESTS.contains(&path.rsplit("::").next().unwrap_or_default()) {
            return true;
        }
    }
    false
}

/// The item without the operation attributes on what its block contains. `arguments` are those of `contract`, for the name
/// that `crate = path` gives to `tsvd`.
pub(crate) fn contract(arguments: TokenStream, item: TokenStream) -> TokenStream {
    block(item, arguments_crate(arguments).as_deref())
}

fn block(item: TokenStream, krate: Option<&str>) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(group)) = trees.last_mut() {
        // An item that went through a `macro_rules!` as one fragment arrives in a group without delimiters.
        let stripped = match group.delimiter() {
            Delimiter::None => block(group.stream(), krate),
            _ => attributes(group.stream(), krate),
        };
        *group = regroup(group, stripped);
    }
    trees.into_iter().collect()
}

/// `items` without the operation attributes directly in it: what is deeper belongs to somebody else.
pub(crate) fn attributes(items: TokenStream, krate: Option<&str>) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    let mut trees = items.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let attribute = match (&tree, trees.peek()) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(group)))
                if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                group.clone()
            }
            _ => {
                kept.push(tree);
                continue;
            }
        };
        trees.next();
        if let Some(rest) = meta(attribute.stream(), krate) {
            kept.push(tree);
            kept.push(TokenTree::Group(regroup(&attribute, rest)));
        }
    }
    kept.into_iter().collect()
}

/// What is left of the inside of an attribute, if anything.
fn meta(tokens: TokenStream, krate: Option<&str>) -> Option<TokenStream> {
    let trees: Vec<TokenTree> = open(tokens).into_iter().collect();
    let path = path_text(&trees);
    if operation_name(&path, krate).is_some() {
        return None;
    }
    let Some(TokenTree::Group(list)) = trees.get(1).filter(|_| path == "cfg_attr") else {
        return Some(trees.into_iter().collect());
    };
    let mut elements = split_commas(list.stream()).into_iter();
    let mut kept = elements.next()?;
    let mut any = false;
    for element in elements.filter_map(|element| meta(element, krate)) {
        kept.extend([TokenTree::Punct(comma())]);
        kept.extend(element);
        any = true;
    }
    any.then(|| {
        [trees[0].clone(), TokenTree::Group(regroup(list, kept))]
            .into_iter()
            .collect()
    })
}

#[cfg(not(feature = "expand"))]
fn comma() -> proc_macro::Punct {
    proc_macro::Punct::new(',', proc_macro::Spacing::Alone)
}

#[cfg(feature = "expand")]
fn comma() -> proc_macro2::Punct {
    proc_macro2::Punct::new(',', proc_macro2::Spacing::Alone)
}

/// The path at the start of an attribute or argument, without white space.
pub(crate) fn path_text(trees: &[TokenTree]) -> String {
    let word = |tree: &TokenTree| match tree {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        TokenTree::Punct(punct) if punct.as_char() == ':' => Some(punct.to_string()),
        _ => None,
    };
    trees.iter().map_while(word).collect()
}

/// The parts between the commas; a comma at the end adds none.
pub(crate) fn split_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts: Vec<Vec<TokenTree>> = vec![Vec::new()];
    for tree in tokens {
        match &tree {
            TokenTree::Punct(punct) if punct.as_char() == ',' => parts.push(Vec::new()),
            _ => parts.last_mut().expect("there is a first part").push(tree),
        }
    }
    if parts.last().is_some_and(Vec::is_empty) {
        parts.pop();
    }
    parts
        .into_iter()
        .map(|part| part.into_iter().collect())
        .collect()
}

/// The path in `crate = path`, as text.
fn arguments_crate(arguments: TokenStream) -> Option<String> {
    split_commas(arguments).into_iter().find_map(|argument| {
        let trees: Vec<TokenTree> = argument.into_iter().collect();
        match trees.as_slice() {
            [name, TokenTree::Punct(equals), path @ ..]
                if path_text(std::slice::from_ref(name)) == "crate" && equals.as_char() == '=' =>
            {
                Some(path_text(path))
            }
            _ => None,
        }
    })
}

/// Looks into the group without delimiters that a `macro_rules!` fragment is.
fn open(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            open(group.stream())
        }
        _ => tokens,
    }
}

/// `tokens` in the delimiters of `group`, at its place in the source.
fn regroup(group: &Group, tokens: TokenStream) -> Group {
    let mut regrouped = Group::new(group.delimiter(), tokens);
    regrouped.set_span(group.span());
    regrouped
}

#[cfg(all(test, feature = "expand"))]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_stripped(arguments: &str, item: TokenStream, expected: &str) {
        let arguments = arguments.parse().expect("the arguments lex");
        let expected: TokenStream = expected.parse().expect("the expectation lexes");
        assert_eq!(contract(arguments, item).to_string(), expected.to_string());
    }

    fn tokens(source: &str) -> TokenStream {
        source.parse().expect("the source lexes")
    }

    #[test]
    fn only_operation_attributes_directly_in_the_block_go() {
        assert_stripped(
            "read(get)",
            tokens(
                "#[read] impl S { #![doc = \"x\"] #[read] #[inline] #[::tsvd::write(key = a)] #[other::read] fn f() { #[read] fn g() {} } }",
            ),
            "#[read] impl S { #![doc = \"x\"] #[inline] #[other::read] fn f() { #[read] fn g() {} } }",
        );
    }

    #[test]
    fn the_crate_may_have_another_name() {
        assert_stripped(
            "key = a, crate = ::a::b",
            tokens("impl S { #[a::b::read] #[::a::b::prelude::update] #[b::read] fn f() {} }"),
            "impl S { #[b::read] fn f() {} }",
        );
    }

    #[test]
    fn others_behind_cfg_attr_stay_there() {
        assert_stripped(
            "",
            tokens(
                "impl S { #[cfg_attr(a, inline, tsvd::read, must_use)] #[cfg_attr(a, write)] #[cfg_attr(a, cfg_attr(b, update()))] fn f() {} }",
            ),
            "impl S { #[cfg_attr(a, inline, must_use)] fn f() {} }",
        );
    }

    #[test]
    fn other_test_attributes_stay_alone() {
        let added = |item: &str| test(tokens(item)).to_string() != tokens(item).to_string();
        assert!(added("fn f() {}"));
        assert!(added(
            "#[doc = \"test\"] #[ignore] #[should_panic] pub fn f() { #[test] fn g() {} }"
        ));
        for item in [
            "#[test] fn f() {}",
            "#[ignore] #[::core::prelude::v1::test] fn f() {}",
            "#[tokio::test(start_paused = true)] async fn f() {}",
            "#[rstest::rstest] #[case(1)] fn f(#[case] n: u8) {}",
        ] {
            assert!(!added(item), "{item}");
        }
    }

    #[test]
    fn fragments_of_macros_are_looked_into() {
        let item = Group::new(Delimiter::None, tokens("impl S { #[read] fn f() {} }"));
        let expected = Group::new(Delimiter::None, tokens("impl S { fn f() {} }"));
        let stripped = contract(TokenStream::new(), TokenTree::Group(item).into());
        assert_eq!(
            stripped.to_string(),
            TokenStream::from(TokenTree::Group(expected)).to_string()
        );
        let attribute = Group::new(Delimiter::None, tokens("tsvd::read(key = a)"));
        assert!(meta(TokenTree::Group(attribute).into(), None).is_none());
    }
}
