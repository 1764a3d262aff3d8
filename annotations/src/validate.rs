//! What cannot be an operation is refused here, at the token that is in the way.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, FnArg, Ident, Pat, PatIdent, PatType, ReturnType, Type};

use crate::args::named_variables;
use crate::errors::Errors;
use crate::model::{Block, Function};
use crate::operation::Operation;
use crate::receiver::{Receiver, first_type};

const ASYNC: &str = "async operations are not supported yet: leave this one without an attribute";

/// Two operation attributes on one function.
pub(crate) const ONE_ACCESS: &str =
    "a function is one operation: keep one of `read`, `write` and `update`";

/// Checks everything under `contract`.
pub(crate) fn block(block: &Block, errors: &mut Errors) {
    for attribute in &block.attributes {
        if attribute
            .path()
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "async_trait")
        {
            errors.at(attribute, "put `contract` below `async_trait`, so that it sees the methods as they were rewritten");
        }
    }
    let mut any = false;
    for function in block.functions() {
        for attribute in &function.attributes {
            if attribute
                .path()
                .segments
                .last()
                .is_some_and(|segment| segment.ident == "expect_atomic")
            {
                errors.at(attribute, "`expect_atomic` is not supported yet");
            }
        }
        for conditional in &function.operations {
            any = true;
            operation(function, &conditional.operation, errors);
        }
    }
    // Names that could not be read are operations too.
    if !any && errors.is_empty() {
        errors.at_span(
            Span::call_site(),
            "this contract has no operation: mark methods with `read`, `write` or `update`, or name them here, as in `read(get)`",
        );
    }
}

/// Checks a function that bears an operation attribute and is in no contract, as far as can be seen.
pub(crate) fn free(function: &Function, own: &Operation, errors: &mut Errors) {
    let name = own.access.name();
    if function.signature.receiver().is_some() {
        errors.at_span(
            Span::call_site(),
            format!(
                "`{name}` on a method needs its contract: put `#[tsvd::contract]` on the impl block or trait, and call the \
                 attribute by its own name, `{name}`"
            ),
        );
        return;
    }
    if function.body.is_none() {
        errors.at(
            &function.signature.ident,
            "a function without a body cannot be an operation: write one that calls it",
        );
        return;
    }
    for second in &function.operations {
        errors.at(&second.operation.declared, ONE_ACCESS);
    }
    operation(function, own, errors);
}

/// Checks a function that is an operation.
fn operation(function: &Function, operation: &Operation, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(constness) = &signature.constness {
        errors.at(constness, "a `const fn` cannot be an operation: it may run at compile time, where nothing is watched");
    }
    if let Some(asyncness) = &signature.asyncness {
        errors.at(asyncness, ASYNC);
    }
    if let Some(variadic) = &signature.variadic {
        errors.at(
            variadic,
            "a C-variadic function cannot be an operation: its arguments cannot be handed on",
        );
    }
    if let ReturnType::Type(_, output) = &signature.output
        && let Some(future) = visible_future(output)
    {
        errors.at(future, ASYNC);
    }
    for argument in &signature.inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(syn::Receiver { attrs, .. })) =
            argument;
        for attribute in attrs.iter().filter(|attribute| is_conditional(attribute)) {
            errors.at(attribute, "a parameter of an operation cannot be conditional: put the `cfg` on the whole function");
        }
    }
    // A required method only hands on its caller; its implementations say what they act on.
    if function.body.is_some() {
        object(function, operation, errors);
    }
}

fn is_conditional(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

/// Checks that there is an object, and that what names it can be evaluated before the body.
fn object(function: &Function, operation: &Operation, errors: &mut Errors) {
    let signature = &function.signature;
    let name = function.name();
    let receiver = signature.receiver();
    let arguments = &operation.arguments;
    let variables = named_variables(arguments.expressions());
    match receiver {
        None if arguments.object.is_none() => errors.at(
            &signature.ident,
            format!(
                "`{name}` has no `self` to act on: say what it acts on with `object = …`, `resource = \"…\"` or `id = …`"
            ),
        ),
        None => {
            if let Some(own) = variables.iter().find(|variable| *variable == "self") {
                errors.at(own, format!("`{name}` has no `self`: name another object for it"));
            }
        }
        Some(receiver) if arguments.object.is_none() && Receiver::new(receiver).is_moved_value() => errors.at(
            receiver.self_token,
            format!(
                "`{name}` moves the value, so its address says nothing: name what it acts on with `object = …`, \
                 `resource = \"…\"` or `id = …`, or take `&self`"
            ),
        ),
        Some(_) => {}
    }
    for argument in &signature.inputs {
        let FnArg::Typed(argument) = argument else {
            continue;
        };
        if matches!(&*argument.pat, Pat::Ident(pattern) if is_plain(pattern)) {
            continue;
        }
        let bound = bindings(&argument.pat);
        for variable in variables.iter().filter(|variable| bound.contains(variable)) {
            errors.at(
                variable,
                format!(
                    "`{variable}` is bound by a pattern, and this is evaluated before: give the parameter a name and take \
                     it apart in the body"
                ),
            );
        }
    }
}

/// Whether a parameter is only a name, which the expressions of attributes can use.
pub(crate) fn is_plain(pattern: &PatIdent) -> bool {
    pattern.by_ref.is_none() && pattern.subpat.is_none()
}

fn bindings(pattern: &Pat) -> Vec<Ident> {
    struct Bindings(Vec<Ident>);
    impl<'ast> Visit<'ast> for Bindings {
        fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
            self.0.push(pattern.ident.clone());
            visit::visit_pat_ident(self, pattern);
        }
    }
    let mut bindings = Bindings(Vec::new());
    bindings.visit_pat(pattern);
    bindings.0
}

/// The part of a return type that says that it is a future.
fn visible_future(output: &Type) -> Option<TokenStream> {
    match output {
        Type::ImplTrait(output) => future_bound(&output.bounds).then(|| output.to_token_stream()),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
                return Some(path.to_token_stream());
            }
            let inner = first_type(&last.arguments).filter(|_| last.ident == "Pin")?;
            let Type::Path(boxed) = inner else {
                return None;
            };
            let boxed = boxed
                .path
                .segments
                .last()
                .filter(|segment| segment.ident == "Box")?;
            let Type::TraitObject(object) = first_type(&boxed.arguments)? else {
                return None;
            };
            future_bound(&object.bounds).then(|| path.to_token_stream())
        }
        Type::Group(group) => visible_future(&group.elem),
        Type::Paren(paren) => visible_future(&paren.elem),
        _ => None,
    }
}

fn future_bound<'a>(bounds: impl IntoIterator<Item = &'a syn::TypeParamBound>) -> bool {
    bounds.into_iter().any(|bound| {
        matches!(bound, syn::TypeParamBound::Trait(bound)
            if bound.path.segments.last().is_some_and(|segment| segment.ident == "Future"))
    })
}
