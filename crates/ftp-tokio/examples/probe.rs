//! A session as standard input tells it, for `interop/`; see `ftp_testkit::probe`.
#![forbid(unsafe_code)]

use std::sync::Arc;

use ftp_testkit::liar::Outcome;
use ftp_testkit::probe::{Step, Task};
use ftp_tokio::{Client, Connector, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let task = Task::read(std::io::stdin().lock());
    if let Err(error) = run(task).await {
        println!("{}", words(error));
    }
}

async fn run(task: Task) -> Result<(), Error> {
    let mut connector = Connector::new(task.config);
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
            Step::Wait => wait(&mut client).await?,
            Step::Quit => {
                client.quit().await?;
                println!("Left");
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn wait(client: &mut Client) -> Result<(), Error> {
    while client.next_event().await?.is_some() {}
    println!("Closed");
    Ok(())
}

/// The code of the reply that ended it, or what else did.
fn words(error: Error) -> String {
    match (error.code(), error) {
        (Some(code), _) => code.to_string(),
        (None, Error::Protocol(error)) => format!("{:?}", Outcome::of(&error)),
        (None, Error::Tls { source, .. }) => format!("{:?}", Outcome::of_tls(&source)),
        (None, error) => error.to_string(),
    }
}
