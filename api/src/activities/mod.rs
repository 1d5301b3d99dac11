//! Activities: the lines of a fitness log. An activity is a post that says a little more, so that everything that may be
//! done with a post may be done with it under `/posts` too; these routes are those that know activities alone.

mod routes;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "activities",
        routes: routes::routes(),
        ..Feature::default()
    }
}
