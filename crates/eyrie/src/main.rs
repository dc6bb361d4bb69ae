//! The `eyrie` command; everything is in the library beside it.

/// Most values live as long as one message, and often end on another thread than the one they began on.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    eyrie::cli::main()
}
