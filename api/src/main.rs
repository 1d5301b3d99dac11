//! Hubbub's HTTP API.

/// A request is some hundred small pieces of memory for a millisecond, asked for and given back on all threads.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    api::cli::main(api::features)
}
