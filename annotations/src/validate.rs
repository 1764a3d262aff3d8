//! What cannot be an operation is refused here, at the token that is in the way.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Attribute, FnArg, Ident, Pat, PatIdent, PatType, ReturnType};

use crate::args::{Arguments, named_variables};
use crate::call::returns_function;
use crate::errors::Errors;
use crate::future::{self, Form};
use crate::model::{Block, Function};
use crate::operation::{Operation, track_caller};
use crate::receiver::Receiver;

/// Two operation attributes on one function.
pub(crate) const ONE_ACCESS: &str =
    "a function is one operation: keep one of `read`, `write` and `update`";

const ONE_ROLE: &str = "a function is an operation or a region: leave one of the attributes out";

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

/// Checks a function that is a region, `arguments` being those of `expect_atomic`.
pub(crate) fn region(function: &Function, arguments: &Arguments, errors: &mut Errors) {
    for operation in &function.operations {
        errors.at(&operation.operation.declared, ONE_ROLE);
    }
    if function.body.is_none() {
        errors.at(
            &function.signature.ident,
            "a function without a body cannot be a region: put `expect_atomic` where it is implemented",
        );
    }
    body(function, arguments, "a region", errors);
}

/// Checks a function that is an operation.
fn operation(function: &Function, operation: &Operation, errors: &mut Errors) {
    for attribute in &function.attributes {
        if attribute
            .path()
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "expect_atomic")
        {
            errors.at(attribute, ONE_ROLE);
        }
    }
    body(function, &operation.arguments, "an operation", errors);
    // A required method only hands on its caller; its implementations say what they act on.
    if function.body.is_some() {
        object(function, operation, errors);
        when(function, operation, errors);
    }
}

/// Checks that the body can be run as what it `is` to be.
fn body(function: &Function, arguments: &Arguments, is: &str, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(constness) = &signature.constness {
        errors.at(
            constness,
            format!(
                "a `const fn` cannot be {is}: it may run at compile time, where nothing is watched"
            ),
        );
    }
    if let Some(variadic) = &signature.variadic {
        errors.at(
            variadic,
            format!("a C-variadic function cannot be {is}: its arguments cannot be handed on"),
        );
    }
    form(function, arguments, errors);
    for argument in &signature.inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(syn::Receiver { attrs, .. })) =
            argument;
        for attribute in attrs.iter().filter(|attribute| is_conditional(attribute)) {
            errors.at(
                attribute,
                format!(
                    "a parameter of {is} cannot be conditional: put the `cfg` on the whole function"
                ),
            );
        }
    }
}

/// Checks what is said of the future that the function returns.
fn form(function: &Function, arguments: &Arguments, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some((word, _)) = &arguments.word {
        if signature.asyncness.is_some() {
            errors.at(
                word,
                format!("an `async fn` always returns a future: leave `{word}` out"),
            );
        } else if matches!(signature.output, ReturnType::Default) {
            errors.at(
                word,
                format!("this function returns nothing: leave `{word}` out"),
            );
        }
    }
    if let ReturnType::Type(_, output) = &signature.output
        && arguments.word.is_none()
        && function.body.is_some()
        && let Some(promise) = future::other_promise(output)
    {
        errors.at(
            promise,
            "a watched future is `Future`, `Send`, `Sync` and `Unpin` at most: return it in a box, or watch its making alone, with `call`",
        );
    }
}

/// Checks that the result can be looked at while the operation is in flight.
fn when(function: &Function, operation: &Operation, errors: &mut Errors) {
    let signature = &function.signature;
    let Some((when, _)) = &operation.arguments.when else {
        return;
    };
    let is_consumed = signature
        .receiver()
        .is_some_and(|receiver| Receiver::new(receiver).is_consumed());
    if is_consumed && operation.arguments.object.is_none() {
        errors.at(when, "the object may be gone when the result is there: name what outlives it with `object = …`, `resource = \"…\"` or `id = …`");
    }
    let form = Form::of_operation(signature, &operation.arguments);
    let own = track_caller(function.attributes.iter().map(|attribute| &attribute.meta));
    if form != Form::Async && own.is_some() {
        errors.at(when, "the result of a function that is `#[track_caller]` itself cannot be looked at: leave one of them out");
    } else if form == Form::Call && returns_function(&signature.output) {
        errors.at(when, "the result of a function that returns a hidden closure cannot be looked at: leave `when` out");
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
