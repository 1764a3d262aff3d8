//! The arguments in the parentheses of an attribute, one after the other, and the values they take.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, LitStr, Path, Token};

use crate::errors::Errors;

/// Hands each argument to `parse`, which reads what follows its name. Each mistake is found and none hides the next.
/// `allowed` says which arguments there are.
pub(crate) fn each(
    tokens: TokenStream,
    allowed: &str,
    errors: &mut Errors,
    mut parse: impl FnMut(&Ident, ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    let mut seen: Vec<Ident> = Vec::new();
    let mut one = |input: ParseStream<'_>, errors: &mut Errors| {
        let Ok(name) = input.call(Ident::parse_any) else {
            return Err(input.error(format!("expected the name of an argument: {allowed}")));
        };
        if seen.contains(&name) {
            errors.at(&name, format!("`{name}` is given twice"));
            skip_to_comma(input);
            return Ok(());
        }
        parse(&name, input, errors)?;
        seen.push(name);
        Ok(())
    };
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Err(error) = one(input, errors) {
                errors.push(error);
                skip_to_comma(input);
            }
            if input.is_empty() {
                break;
            }
            if let Err(error) = input.parse::<Token![,]>() {
                errors.push(syn::Error::new(
                    error.span(),
                    "expected `,` between arguments",
                ));
                skip_to_comma(input);
                input.parse::<Option<Token![,]>>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.push(error);
    }
}

fn expected(span: Span, name: &Ident, what: &str, example: &str) -> syn::Error {
    syn::Error::new(span, format!("`{name}` takes {what}: `{name} = {example}`"))
}

fn equals(name: &Ident, input: ParseStream<'_>, what: &str, example: &str) -> syn::Result<()> {
    let parsed = input.parse::<Token![=]>();
    parsed
        .map(drop)
        .map_err(|_| expected(name.span(), name, what, example))
}

pub(crate) fn value<T: Parse>(
    name: &Ident,
    input: ParseStream<'_>,
    what: &str,
    example: &str,
) -> syn::Result<T> {
    equals(name, input, what, example)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(expected(name.span(), name, what, example));
    }
    input
        .parse()
        .map_err(|error| expected(error.span(), name, what, example))
}

/// The path in `crate = path`.
pub(crate) fn crate_path(name: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    let what = "the path of `tsvd` in this crate";
    equals(name, input, what, "detector")?;
    let path = input.call(Path::parse_mod_style);
    path.map_err(|error| expected(error.span(), name, what, "detector"))
}

pub(crate) fn text(name: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    let example = format!("\"{example}\"");
    let text: LitStr = value(name, input, "a string literal", &example)?;
    if text.value().trim().is_empty() {
        return Err(syn::Error::new(
            text.span(),
            format!("the {name} needs a name: `{name} = {example}`"),
        ));
    }
    Ok(text)
}

pub(crate) fn names(name: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let message = format!("`{name}` takes the names of methods: `{name}(first, second)`");
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(name.span(), message));
    }
    let content;
    syn::parenthesized!(content in input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content);
    let names = names.map_err(|error| {
        // What could not be read is inside the parentheses, and so is done with.
        let _ = content.parse::<TokenStream>();
        syn::Error::new(error.span(), &message)
    })?;
    if names.is_empty() {
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(names.into_iter().collect())
}

/// `&place` means the place: an operation acts on what is there, not on a reference to it.
pub(crate) fn without_reference(expression: Expr) -> Expr {
    match expression {
        Expr::Reference(reference) => *reference.expr,
        Expr::Group(group) if matches!(*group.expr, Expr::Reference(_)) => {
            without_reference(*group.expr)
        }
        expression => expression,
    }
}

pub(crate) fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}
