//! Prints a function whose operation is in flight while a future runs: an `async fn`, or one that returns a future.
//!
//! An `async fn` becomes a function that returns `impl Future`, so that it knows where it is called. The `impl` has the span of
//! this crate, and so captures what an `async fn` captures in every edition. Two blocks stand in one another:
//!
//! - The outer one begins the operation at its first poll. It captures the parameters in their order, and whole, so that a
//!   future that is never polled drops them as that of an `async fn` does.
//! - The inner one is what is in flight. It binds the parameters anew, as an `async fn` does, and then its tail is the body;
//!   a return that is never reached fixes the type of the others.
//!
//! What returns a future has run when that is polled, unless the body is nothing but `Box::pin(async move { … })`, as
//! `#[async_trait]` writes it, or the block without the box: then all begins at the first poll, as in an `async fn`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::visit::Visit;
use syn::{Ident, Lifetime, Path, ReturnType, Signature, Token, Type, TypeParamBound};

use crate::args::{Arguments, Word};
use crate::call::{Call, closure_output, nested};
use crate::expand::{crate_tokens, span_at};
use crate::flight::Flight;
use crate::receiver::first_type;

/// What a call gives, as far as its function says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The result: in flight until it returns.
    Call,
    /// An `async fn`.
    Async,
    /// `impl Future`.
    Hidden,
    /// A future in a box, or what is said to be one.
    Boxed,
}

impl Form {
    /// Of an operation: a box that shows no lifetime does not borrow the object, which may be gone before the future is.
    pub(crate) fn of_operation(signature: &Signature, arguments: &Arguments) -> Self {
        match Self::of(signature, arguments) {
            Self::Boxed
                if arguments.word.is_none()
                    && arguments.object.is_none()
                    && !shows_lifetime(&signature.output) =>
            {
                Self::Call
            }
            form => form,
        }
    }

    pub(crate) fn of(signature: &Signature, arguments: &Arguments) -> Self {
        if signature.asyncness.is_some() {
            return Self::Async;
        }
        let ReturnType::Type(_, output) = &signature.output else {
            return Self::Call;
        };
        match arguments.word.as_ref().map(|(_, word)| word) {
            Some(Word::Call) => Self::Call,
            Some(Word::Future) => visible(output).unwrap_or(match **output {
                Type::ImplTrait(_) => Self::Hidden,
                _ => Self::Boxed,
            }),
            None => visible(output).unwrap_or(Self::Call),
        }
    }
}

/// What a return type says if it is that of a future.
fn visible(output: &Type) -> Option<Form> {
    match output {
        Type::ImplTrait(output) => has_future(&output.bounds).then_some(Form::Hidden),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
                return Some(Form::Boxed);
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
            has_future(&object.bounds).then_some(Form::Boxed)
        }
        Type::Group(group) => visible(&group.elem),
        Type::Paren(paren) => visible(&paren.elem),
        _ => None,
    }
}

/// Whether a type names a lifetime that ends.
fn shows_lifetime(output: &ReturnType) -> bool {
    struct Search(bool);
    impl<'ast> Visit<'ast> for Search {
        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            self.0 |= lifetime.ident != "static";
        }
    }
    let mut search = Search(false);
    search.visit_return_type(output);
    search.0
}

fn has_future<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> bool {
    bounds
        .into_iter()
        .any(|bound| trait_name(bound).is_some_and(|name| name == "Future"))
}

fn trait_name(bound: &TypeParamBound) -> Option<&Ident> {
    match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

/// The trait, beside `Future`, that an `impl Future` promises and one that is watched cannot keep.
pub(crate) fn other_promise(output: &Type) -> Option<&TypeParamBound> {
    const KEPT: [&str; 6] = [
        "Future",
        "Send",
        "Sync",
        "Unpin",
        "UnwindSafe",
        "RefUnwindSafe",
    ];
    match output {
        Type::ImplTrait(output) if has_future(&output.bounds) => {
            output.bounds.iter().find(|bound| {
                trait_name(bound).is_some_and(|name| KEPT.iter().all(|kept| name != kept))
            })
        }
        Type::Group(group) => other_promise(&group.elem),
        Type::Paren(paren) => other_promise(&paren.elem),
        _ => None,
    }
}

/// Makes a function that returns a future of an `async fn`.
pub(crate) fn hide(signature: &mut Signature, krate: Option<&Path>) {
    let span = Span::mixed_site();
    let krate = crate_tokens(krate, span);
    let output = match &signature.output {
        ReturnType::Default => quote_spanned!(span=> ()),
        // It may be returned, and not yet be named elsewhere.
        output if is_never(output) => quote_spanned!(span=> #krate::__private::Never),
        ReturnType::Type(_, output) => output.to_token_stream(),
    };
    let future =
        quote_spanned!(span=> impl #krate::__private::core::future::Future<Output = #output>);
    signature.asyncness = None;
    signature.output = ReturnType::Type(Token![->](span), Box::new(Type::Verbatim(future)));
}

/// The signature and body of what stands for an `async fn`.
pub(crate) fn asynchronous(
    signature: &Signature,
    body: &TokenStream,
    flight: &Flight<'_>,
    used: &[Ident],
) -> (Signature, TokenStream) {
    let Flight { span, private, .. } = flight;
    let span = *span;
    let receiver = signature.receiver().map(|receiver| receiver.self_token);
    let whole = receiver.map(|own| quote_spanned!(span=> #private::capture(&#own);));
    let returned = returned_type(&signature.output, span).map(|returned| {
        // Where the types of the body and of this differ, the message is about the type that is written.
        let span = span_at(&returned);
        let krate = crate_tokens(flight.krate, span);
        quote_spanned!(span=> if false { return #krate::__private::never::<#returned>(); })
    });
    let body = nested(body);
    let body = quote_spanned!(span=> { #whole #returned #body });
    let Call {
        mut outer,
        names,
        helper,
        expression,
    } = Call::new(signature, &body, flight, flight.end_name(), used);
    hide(&mut outer, flight.krate);
    let inner = if is_never(&signature.output) {
        quote_spanned!(span=> #private::diverging(#expression))
    } else {
        expression
    };
    let own = receiver.iter();
    let captured = quote_spanned!(span=> #private::capture((#(&#own,)* #(&#names,)*)););
    let called = flight.called();
    let begin = flight.begin(&quote_spanned!(span=> __tsvd_called));
    let run = run(flight, &inner);
    let run = if flight.is_consumed {
        run
    } else {
        quote_spanned!(span=> #run.await)
    };
    let statements = quote_spanned! {span=>
        #helper
        let __tsvd_called = #called;
        async move { #captured #begin #run }
    };
    (outer, statements)
}

/// The type that the body returns, as far as it is written, and unless all of it is hidden or it never returns.
pub(crate) fn returned_type(output: &ReturnType, span: Span) -> Option<TokenStream> {
    match output {
        ReturnType::Type(_, output) if matches!(**output, Type::ImplTrait(_)) => None,
        output => (!is_never(output)).then(|| closure_output(output, span)),
    }
}

fn is_never(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, output) if matches!(**output, Type::Never(_)))
}

/// A body that is nothing but an asynchronous block, in a `Box::pin` or without; the block has got `end` then, which it drops after
/// its locals, but before those that take over what it captures.
pub(crate) fn only_block(body: &TokenStream, end: &Ident) -> Option<TokenStream> {
    let parser = |input: ParseStream<'_>| {
        let braces: Group = input.parse()?;
        let only = |input: ParseStream<'_>| {
            if input.peek(Token![async]) {
                return block(input, end);
            }
            let path = input.call(Path::parse_mod_style)?;
            let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
            let is_pin = names.next().is_some_and(|name| name == "pin")
                && names.next().is_some_and(|name| name == "Box");
            let argument: Group = input.parse()?;
            if !is_pin || argument.delimiter() != Delimiter::Parenthesis {
                return Err(input.error("another call"));
            }
            let inner = |input: ParseStream<'_>| {
                let block = block(input, end)?;
                input.parse::<Option<Token![,]>>()?;
                Ok(block)
            };
            let argument = group_like(&argument, inner.parse2(argument.stream())?);
            Ok(quote!(#path #argument))
        };
        let only = only.parse2(braces.stream())?;
        Ok(group_like(&braces, only).into_token_stream())
    };
    parser.parse2(body.clone()).ok()
}

/// An asynchronous block that owns `end`.
fn block(input: ParseStream<'_>, end: &Ident) -> syn::Result<TokenStream> {
    let (word, moves): (Token![async], Option<Token![move]>) = (input.parse()?, input.parse()?);
    let braces: Group = input.parse()?;
    if braces.delimiter() != Delimiter::Brace {
        return Err(input.error("no block"));
    }
    let trees: Vec<TokenTree> = braces.stream().into_iter().collect();
    let (parameters, rest) = trees.split_at(parameters(&trees));
    let (parameters, rest) = (parameters.iter(), rest.iter());
    let span = end.span();
    let own = quote_spanned!(span=> let #end = #end;);
    let block = group_like(&braces, quote!(#(#parameters)* #own #(#rest)*));
    Ok(quote!(#word #moves #block))
}

/// How many tokens there are of what `#[async_trait]` begins with: an `if let` for the type of the returns, and a `let` for each
/// parameter, of which nothing but a name is the value.
fn parameters(trees: &[TokenTree]) -> usize {
    let is =
        |tree: &TokenTree, word: &str| matches!(tree, TokenTree::Ident(ident) if ident == word);
    let mut count = 0;
    if trees.first().is_some_and(|first| is(first, "if")) {
        let is_block = |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        count = trees.iter().position(is_block).map_or(0, |block| block + 1);
    }
    while trees.get(count).is_some_and(|first| is(first, "let")) {
        let is_end =
            |tree: &TokenTree| matches!(tree, TokenTree::Punct(end) if end.as_char() == ';');
        let Some(length) = trees[count..].iter().position(is_end) else {
            break;
        };
        let [.., TokenTree::Punct(equals), TokenTree::Ident(_), _] = &trees[count..=count + length]
        else {
            break;
        };
        if equals.as_char() != '=' {
            break;
        }
        count += length + 1;
    }
    count
}

fn group_like(like: &Group, content: TokenStream) -> Group {
    let mut group = Group::new(like.delimiter(), content);
    group.set_span(like.span());
    group
}

/// The statements of a function that returns the future it gets from `call`; `begins` says that nothing runs before its first poll.
pub(crate) fn returned(
    output: &ReturnType,
    call: &TokenStream,
    flight: &Flight<'_>,
    form: Form,
    begins: bool,
) -> TokenStream {
    let Flight { span, private, .. } = flight;
    if flight.is_consumed {
        // The call itself may end the object: nothing is in flight afterwards.
        let guard = flight.guard();
        return quote_spanned!(*span=> #guard #call);
    }
    let begin = if begins {
        flight.begin(&flight.called())
    } else {
        flight.begin_returned()
    };
    let run = run(flight, call);
    let run = if form == Form::Boxed {
        // Where this is no such box, the message is about the return type.
        let span = span_at(output);
        quote_spanned!(span=> #private::boxed(#run))
    } else {
        run
    };
    quote_spanned!(*span=> #begin #run)
}

/// The future that is in flight while `body` runs, or before it if the body consumes the object.
fn run(flight: &Flight<'_>, body: &TokenStream) -> TokenStream {
    let Flight { span, private, .. } = flight;
    if flight.is_consumed {
        return quote_spanned! {*span=>
            __tsvd_operating.run(#private::core::future::ready(())).await;
            #body.await
        };
    }
    match &flight.when {
        Some(when) => quote_spanned!(*span=> __tsvd_operating.run_when(#body, #when)),
        None => quote_spanned!(*span=> __tsvd_operating.run(#body)),
    }
}
