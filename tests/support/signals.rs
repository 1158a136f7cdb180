//! The binary, started with signals as a test wants them: who runs tests in the background, or under `nohup`, has some of them
//! ignored, and what is ignored stays so in a program that is started.

use std::process::Command;

/// To be started with none of the signals ignored that end a program.
pub fn heeding_all() -> Command {
    ignoring("").unwrap()
}

/// To be started with these ignored, such as `INT,HUP`, and no others; `None` where `env` cannot do that.
pub fn ignoring(signals: &str) -> Option<Command> {
    let binary = env!("CARGO_BIN_EXE_gitops-steps");
    if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.args([
            "--default-signal=INT,HUP,TERM",
            &format!("--ignore-signal={signals}"),
            binary,
        ]);
        Some(command)
    } else {
        signals.is_empty().then(|| Command::new(binary))
    }
}
