//! What holds for every feature alike: a rule here is a table over all of them, so that what is added is held to it too.

mod cursors;
mod permissions;
mod statements;
