//! From the tokens of an attribute and its item to those that take their place: parse, check, print.
//!
//! Where anything is wrong the original item is emitted beside the messages, so that no second message follows from its
//! absence.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

use crate::args::{Access, Arguments, Attribute};
use crate::errors::Errors;
use crate::model::{Block, Function};
use crate::operation::Operation;
use crate::{expand, strip, testing, validate};

/// `#[contract(arguments)] item`
pub(crate) fn contract(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let original = strip::contract(arguments.clone(), item.clone());
    let mut errors = Errors::default();
    let arguments = Arguments::parse(Attribute::Contract, arguments, &mut errors);
    let krate = arguments.krate.as_ref().map(text);
    let block = Block::parse(item, krate.as_deref(), &mut errors).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    let block = block.map(|mut block| {
        block.apply(&arguments, &mut errors);
        validate::block(&block, &mut errors);
        block
    });
    if block.is_none() && errors.is_empty() {
        errors.at_span(
            Span::call_site(),
            "`contract` belongs on an impl block or a trait; a free function takes `read`, `write` or `update` itself",
        );
    }
    choice(&original, arguments.krate.as_ref(), errors, || {
        block.as_ref().map(expand::block)
    })
}

/// `#[read(arguments)] item` and the like, outside of contracts: `contract` takes its own off before the compiler sees them.
pub(crate) fn operation(
    name: &'static str,
    arguments: TokenStream,
    item: TokenStream,
) -> TokenStream {
    let access = Access::from_name(name).expect("attributes are called after accesses");
    let mut errors = Errors::default();
    let arguments = Arguments::parse(Attribute::Operation(access), arguments, &mut errors);
    let krate = arguments.krate.clone();
    let operation = Operation {
        access,
        declared: quote!(#name),
        arguments,
    };
    let function = Function::parse(item.clone(), &mut errors).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    match &function {
        Some(function) => validate::free(function, &operation, &mut errors),
        None if errors.is_empty() => errors.at_span(
            Span::call_site(),
            format!("`{name}` belongs on a method of a contract or on a free function"),
        ),
        None => {}
    }
    choice(&item, krate.as_ref(), errors, || {
        function.map(|function| expand::free(&function, &operation))
    })
}

/// `#[expect_atomic(arguments)] item`
pub(crate) fn region(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = Arguments::parse(Attribute::Region, arguments, &mut errors);
    let function = Function::parse(item.clone(), &mut errors).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    match &function {
        Some(function) => validate::region(function, &arguments, &mut errors),
        None if errors.is_empty() => errors.at_span(
            Span::call_site(),
            "`expect_atomic` belongs on a function or a method",
        ),
        None => {}
    }
    choice(&item, arguments.krate.as_ref(), errors, || {
        let function = function?;
        let body = function.body.as_ref()?;
        Some(expand::region(&function, body, &arguments))
    })
}

/// `#[test(arguments)] item`
pub(crate) fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = testing::Arguments::parse(arguments, &mut errors);
    let krate = arguments.krate.as_ref().map(text);
    let function = Function::parse(item.clone(), &mut errors).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    match &function {
        Some(function) => testing::check(function, krate.as_deref(), &mut errors),
        None if errors.is_empty() => {
            errors.at_span(Span::call_site(), "`test` belongs on a function");
        }
        None => {}
    }
    if let Some(messages) = errors.into_tokens() {
        // Without a marker: that it is no test, either, needs no second message.
        return quote!(#item #messages);
    }
    let marker = if strip::is_test(item.clone()) {
        TokenStream::new()
    } else {
        strip::marker()
    };
    let original = strip::test(item);
    function.map_or_else(
        || original.clone(),
        |function| {
            let watched = testing::expand(&function, &arguments, &marker);
            expand::select(arguments.krate.as_ref(), &original, &watched)
        },
    )
}

fn choice(
    original: &TokenStream,
    krate: Option<&Path>,
    errors: Errors,
    instrumented: impl FnOnce() -> Option<TokenStream>,
) -> TokenStream {
    if let Some(messages) = errors.into_tokens() {
        return quote!(#original #messages);
    }
    instrumented().map_or_else(
        || original.clone(),
        |instrumented| expand::select(krate, original, &instrumented),
    )
}

fn text(path: &Path) -> String {
    let trees: Vec<_> = path.to_token_stream().into_iter().collect();
    strip::path_text(&trees)
}
