//! Prints the body of an operation in a closure that is called at once.
//!
//! - The closure is not `#[track_caller]`, so panics in the body name the user's line though the method forwards its caller.
//! - The parameters are the closure's own parameters, so they are dropped when and as a function's are. They are passed before
//!   the closure, so their types are known when the body is checked.
//! - What ends the operation is the last of them, and so dropped after the body's locals and before the user's parameters: one
//!   of these may be the guard of the lock that orders the operations, and after it is released somebody else's may begin.
//! - Only the closure's `||` carries the span of this crate, for the capture rules of its edition: the body keeps the user's.
//!
//! Where a closure would change what the body means, the guard is a first statement instead, and the body the tail: a
//! returned `impl Fn(…)` is what tells the closures in the body their signature, and a method that is `#[track_caller]`
//! already wants its panics to name the caller.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Pat, ReturnType, Signature, Type};

use crate::flight::Flight;
use crate::validate::is_plain;

/// Up to how many parameters `__private` has a `call` function for.
const CALLS: usize = 12;

/// The body in a closure, and the signature whose parameters are handed to it.
pub(crate) struct Call {
    pub(crate) outer: Signature,
    /// Of the parameters but `self`.
    pub(crate) names: Vec<Ident>,
    /// A function to call, where `__private` has none.
    pub(crate) helper: Option<TokenStream>,
    pub(crate) expression: TokenStream,
}

impl Call {
    /// Hands the parameters, and `last` if it is given, to a closure with `body`, which is `async move` if the function is `async`.
    pub(crate) fn new(
        signature: &Signature,
        body: &TokenStream,
        flight: &Flight<'_>,
        last: Option<Ident>,
        used: &[Ident],
    ) -> Self {
        let Flight { span, private, .. } = flight;
        let span = *span;
        let mut outer = signature.clone();
        let mut names: Vec<Ident> = Vec::new();
        let mut patterns: Vec<TokenStream> = Vec::new();
        for (index, argument) in outer.inputs.iter_mut().enumerate() {
            let FnArg::Typed(argument) = argument else {
                continue;
            };
            let attributes = std::mem::take(&mut argument.attrs);
            let pattern = &argument.pat;
            patterns.push(quote!(#(#attributes)* #pattern));
            let name = outer_name(&argument.pat, index, used);
            *argument.pat = Pat::Ident(syn::PatIdent {
                attrs: Vec::new(),
                by_ref: None,
                mutability: None,
                ident: name.clone(),
                subpat: None,
            });
            names.push(name);
        }
        let output = closure_output(&signature.output, span);
        let asynchronous = signature
            .asyncness
            .map(|_| quote_spanned!(span=> async move));
        patterns.extend(last.iter().map(ToTokens::to_token_stream));
        let count = patterns.len();
        let closure = quote_spanned!(span=> #asynchronous |#(#patterns),*| -> #output #body);
        let (helper, call) = if count <= CALLS {
            let call = format_ident!("call{count}", span = span);
            (None, quote_spanned!(span=> #private::#call))
        } else {
            let (helper, call) = call_helper(count, private);
            (Some(helper), call.into_token_stream())
        };
        let last = last.iter();
        let expression = quote_spanned!(span=> #call(#(#names,)* #(#last,)* #closure));
        Self {
            outer,
            names,
            helper,
            expression,
        }
    }
}

/// A body as an expression within another one. It keeps its braces: in them are its locals and items, and their edition says when its
/// temporaries are dropped. Around a single expression the compiler would call them unnecessary, and warn the user; of braces
/// with a label it does not, nor of a label that begins so and to which nobody goes. The label has their span, for theirs begins with it.
pub(crate) fn nested(body: &TokenStream) -> TokenStream {
    quote_spanned!(body.span()=> '_tsvd_body: #body)
}

/// What a parameter is called outside of the closure: it keeps its name, for documentation and for the expressions that use
/// it, unless it is a pattern or says that it is unused.
fn outer_name(pattern: &Pat, index: usize, used: &[Ident]) -> Ident {
    match pattern {
        Pat::Ident(pattern)
            if is_plain(pattern)
                && (used.contains(&pattern.ident)
                    || !pattern.ident.to_string().starts_with('_')) =>
        {
            pattern.ident.clone()
        }
        _ => format_ident!("__tsvd_{index}", span = Span::mixed_site()),
    }
}

/// For more parameters than `__private` foresees: its `call` functions, made to measure.
fn call_helper(count: usize, private: &TokenStream) -> (TokenStream, Ident) {
    let span = Span::mixed_site();
    let name = Ident::new("__tsvd_call", span);
    let types: Vec<Ident> = (0..count)
        .map(|index| format_ident!("T{index}", span = span))
        .collect();
    let arguments: Vec<Ident> = (0..count)
        .map(|index| format_ident!("a{index}", span = span))
        .collect();
    let helper = quote_spanned! {span=>
        #[inline(always)]
        fn #name<#(#types,)* R>(#(#arguments: #types,)* body: impl #private::core::ops::FnOnce(#(#types),*) -> R) -> R {
            body(#(#arguments),*)
        }
    };
    (helper, name)
}

/// The closure's return type: the function's, with `_` where an `impl Trait` is.
pub(crate) fn closure_output(output: &ReturnType, span: Span) -> TokenStream {
    struct Infer(Span);
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, part: &mut Type) {
            if let Type::ImplTrait(_) = part {
                *part = Type::Verbatim(quote_spanned!(self.0=> _));
            } else {
                visit_mut::visit_type_mut(self, part);
            }
        }
    }
    match output {
        ReturnType::Default => quote_spanned!(span=> ()),
        ReturnType::Type(_, output) => {
            let mut output = output.clone();
            Infer(span).visit_type_mut(&mut output);
            output.into_token_stream()
        }
    }
}

/// Whether a function type in parentheses, as in `impl Fn(u8) -> u8`, is hidden in the return type.
pub(crate) fn returns_function(output: &ReturnType) -> bool {
    #[derive(Default)]
    struct Functions {
        in_impl: bool,
        found: bool,
    }
    impl<'ast> Visit<'ast> for Functions {
        fn visit_type_impl_trait(&mut self, hidden: &'ast syn::TypeImplTrait) {
            let outside = std::mem::replace(&mut self.in_impl, true);
            visit::visit_type_impl_trait(self, hidden);
            self.in_impl = outside;
        }
        fn visit_parenthesized_generic_arguments(
            &mut self,
            _: &'ast syn::ParenthesizedGenericArguments,
        ) {
            self.found |= self.in_impl;
        }
    }
    let mut functions = Functions::default();
    functions.visit_return_type(output);
    functions.found
}
