//! Prints a test whose body is run in rounds, and fails by the violations in it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Ident, LitInt, LitStr, Path};

use crate::call::{closure_output, nested};
use crate::errors::Errors;
use crate::expand::{crate_tokens, span_at};
use crate::future::returned_type;
use crate::model::Function;
use crate::strip;
use crate::values::{crate_path, each, skip_to_comma, value};

const ALLOWED: &str = "`test` takes `rounds`, `expect` and `crate`";

/// What the arguments say.
#[derive(Default)]
pub(crate) struct Arguments {
    rounds: Option<LitInt>,
    expect: Option<LitStr>,
    pub(crate) krate: Option<Path>,
}

impl Arguments {
    /// Parses the arguments; what is wrong goes to `errors` and is left out.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut arguments = Self::default();
        each(tokens, ALLOWED, errors, |name, input, errors| {
            match name.to_string().as_str() {
                "rounds" => {
                    let rounds: LitInt = value(name, input, ROUNDS, "5")?;
                    match rounds.base10_parse::<u32>() {
                        Ok(1..) => arguments.rounds = Some(rounds),
                        _ => errors.at(&rounds, format!("`rounds` takes {ROUNDS}: `rounds = 5`")),
                    }
                }
                "expect" => {
                    let part: LitStr = value(name, input, "a part of the report", EXPECT)?;
                    if part.value().trim().is_empty() {
                        errors.at(
                            &part,
                            format!("every report has this in it: `expect = {EXPECT}`"),
                        );
                    }
                    arguments.expect = Some(part);
                }
                "crate" => arguments.krate = Some(crate_path(name, input)?),
                word => {
                    errors.at(name, format!("unknown argument `{word}`: {ALLOWED}"));
                    skip_to_comma(input);
                }
            }
            Ok(())
        });
        arguments
    }
}

const ROUNDS: &str = "how often the body is run at most, 1 or more";
const EXPECT: &str = "\"Slab::insert\"";

/// Refuses what cannot be a test, at the token that is in the way.
pub(crate) fn check(function: &Function, krate: Option<&str>, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(receiver) = signature.receiver() {
        errors.at(receiver, "a test has no `self`");
    }
    if function.body.is_none() {
        errors.at(&signature.ident, "a test has a body");
    }
    for operation in &function.operations {
        errors.at(
            &operation.operation.declared,
            "a test is no operation: put this on what it calls",
        );
    }
    for attribute in &function.attributes {
        let trees: Vec<_> = attribute.path().to_token_stream().into_iter().collect();
        if strip::is_ours(&strip::path_text(&trees), krate, "test") {
            errors.at(attribute, "`tsvd::test` is given twice");
        }
    }
    if let Some(asyncness) = &signature.asyncness
        && !strip::is_test(quote_attributes(function))
    {
        errors.at(
            asyncness,
            "an `async fn` needs a runtime that runs it: put its test attribute below, as in `#[tokio::test]`",
        );
    }
}

fn quote_attributes(function: &Function) -> TokenStream {
    let attributes = &function.attributes;
    quote!(#(#attributes)*)
}

/// The test, watched. `marker` is the attribute that makes a test of it, unless it has one.
pub(crate) fn expand(
    function: &Function,
    arguments: &Arguments,
    marker: &TokenStream,
) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        body,
        ..
    } = function;
    let body = body.as_ref().map(Function::body_tokens);
    let span = span_at(&signature.ident);
    let krate = crate_tokens(arguments.krate.as_ref(), span);
    let private = quote_spanned!(span=> #krate::__private);
    let name = signature.ident.unraw().to_string();
    let path =
        quote_spanned!(span=> #private::core::concat!(#private::core::module_path!(), "::", #name));
    let rounds = call("rounds", arguments.rounds.as_ref());
    let expects = call("expects", arguments.expect.as_ref());
    let returned = returned_type(&signature.output, span)
        .map(|returned| quote_spanned!(span=> if false { return #private::never::<#returned>(); }));
    let output = closure_output(&signature.output, span);
    let run = if signature.asyncness.is_some() {
        let body = body.map(|body| nested(&body));
        quote_spanned!(span=> .run_async(async || -> #output { #returned #body }).await)
    } else {
        quote_spanned!(span=> .run(|| -> #output #body))
    };
    quote! {
        #marker #(#attributes)* #visibility #signature {
            #private::Test::new(#private::without_crate(#path)) #rounds #expects #run
        }
    }
}

fn call(name: &str, argument: Option<&impl ToTokens>) -> Option<TokenStream> {
    let span = Span::mixed_site();
    let name = Ident::new(name, span);
    argument.map(|argument| quote_spanned!(span=> .#name(#argument)))
}
