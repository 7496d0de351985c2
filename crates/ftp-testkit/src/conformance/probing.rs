//! What the example `probe` of each adapter does.

use std::sync::Arc;

use ftp_adapter::Error;
use ftp_futures::Runtime;

use crate::misbehaving::Outcome;
use crate::probe::{Step, Task};

/// Does what standard input says, on this runtime.
pub async fn probe<R: Runtime>() {
    let task = Task::read(std::io::stdin().lock());
    if let Err(error) = run::<R>(task).await {
        println!("{}", words(&error));
    }
}

async fn run<R: Runtime>(task: Task) -> Result<(), Error> {
    let mut connector = ftp_futures::Connector::<R>::new(task.config);
    if let Some(tls) = &task.tls {
        connector = connector.tls(Arc::clone(tls));
    }
    let mut client = connector.connect(&task.address).await?;
    println!("LoggedIn");
    for step in task.steps {
        match step {
            Step::Command(command) => println!("{}", client.command(&*command).await?.code()),
            Step::Reinitialize(login) => {
                client.reinitialize(login).await?;
                println!("Reinitialized");
            }
            Step::ClearCommandChannel => {
                client.clear_command_channel().await?;
                println!("Clear");
            }
            Step::Wait => {
                while client.next_event().await?.is_some() {}
                println!("Closed");
            }
            Step::Quit => {
                client.quit().await?;
                println!("Left");
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Does what standard input says, on blocking sockets.
pub fn probe_blocking() {
    let task = Task::read(std::io::stdin().lock());
    if let Err(error) = run_blocking(task) {
        println!("{}", words(&error));
    }
}

fn run_blocking(task: Task) -> Result<(), Error> {
    let mut connector = ftp_blocking::Connector::new(task.config);
    if let Some(tls) = &task.tls {
        connector = connector.tls(Arc::clone(tls));
    }
    let mut client = connector.connect(&task.address)?;
    println!("LoggedIn");
    for step in task.steps {
        match step {
            Step::Command(command) => println!("{}", client.command(&*command)?.code()),
            Step::Reinitialize(login) => {
                client.reinitialize(login)?;
                println!("Reinitialized");
            }
            Step::ClearCommandChannel => {
                client.clear_command_channel()?;
                println!("Clear");
            }
            Step::Wait => {
                while client.next_event()?.is_some() {}
                println!("Closed");
            }
            Step::Quit => {
                client.quit()?;
                println!("Left");
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The code of the reply that ended it, or what else did.
fn words(error: &Error) -> String {
    match (error.code(), Outcome::of_adapter(error)) {
        (Some(code), _) => code.to_string(),
        (None, Outcome::Other(words)) => words,
        (None, outcome) => format!("{outcome:?}"),
    }
}
