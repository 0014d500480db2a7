//! The program: parse, run, exit code.

fn main() -> std::process::ExitCode {
    entra_flight::cli::main()
}
