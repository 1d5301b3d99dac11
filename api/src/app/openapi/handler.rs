//! Handlers say by their signature what they ask and answer.

use std::future::Future;

use super::operation::{Argument, Operation, Outcome};

/// A handler all of whose arguments and answers say what they mean. `T` is the tuple of its arguments; nobody needs to
/// name it.
#[diagnostic::on_unimplemented(
    message = "this handler takes or answers something that the OpenAPI document does not know",
    note = "its arguments must be `Argument`, what it answers an `Outcome`, its views `JsonSchema`"
)]
pub trait Described<T> {
    /// Adds what it asks and answers.
    fn describe(operation: &mut Operation<'_>);
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, Fut, $($argument,)*> Described<($($argument,)*)> for F
        where
            F: FnOnce($($argument),*) -> Fut,
            Fut: Future,
            Fut::Output: Outcome,
            $($argument: Argument,)*
        {
            fn describe(operation: &mut Operation<'_>) {
                $($argument::describe(operation);)*
                <Fut::Output as Outcome>::describe(operation);
            }
        }
    };
}

described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E G);
described!(A B C D E G H);
