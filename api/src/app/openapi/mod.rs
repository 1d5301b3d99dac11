//! The contract over HTTP, made from the code: an OpenAPI 3.1 document of every public route.
//!
//! A route enters the router and the document by the same call ([`Routes::route`]), so neither can have one that the
//! other lacks. What a handler takes and answers says most of it: each extractor and each answer describes itself
//! ([`Argument`], [`Outcome`]), and a handler with another type does not compile. What its own code refuses stands
//! beside the route: `get(read_post).refuses(&[Code::EditWindowClosed])`.

mod arguments;
mod document;
mod endpoints;
mod handler;
mod operation;
mod outcomes;
mod routes;
#[cfg(test)]
mod tests;

pub(in crate::app) use document::Document;
pub use document::print;
pub(in crate::app) use endpoints::{page, routes};
pub use handler::Described;
pub use operation::{Argument, Operation, Outcome};
pub use routes::{Methods, Routes, delete, get, patch, post, put};
