//! A whole gateway in this process, with a real Redis, and in the place of `api` a stand-in for its internal routes: stories
//! with the real one are in `stories/`.

mod bad_frames;
mod commands;
mod connect;
mod drain;
mod events;
mod harness;
mod raw_socket;
mod resume;
mod slow_client;
mod stand_in;
