//! A whole gateway in this process, with a real Redis, and in the place of `api` a stand-in for its internal routes: stories
//! with the real one are in `stories/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_frames;
mod commands;
mod compression;
mod connect;
mod drain;
mod ended_meanwhile;
mod event_source;
mod events;
mod half_open;
mod harness;
mod late;
mod limits;
mod lines;
mod poll;
mod presence;
mod protocol;
mod raw_socket;
mod readiness;
mod resume;
mod slow_client;
mod socketio;
mod sse;
mod stand_in;
