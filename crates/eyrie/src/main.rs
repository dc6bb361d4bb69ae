//! The `eyrie` command; everything is in the library beside it.

fn main() -> std::process::ExitCode {
    eyrie::cli::main()
}
