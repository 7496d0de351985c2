//! Whose files are served to whom, and what the handler of a server with files sees and refuses.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use ftp_proto::client::{self, Login, Transfer};
use ftp_proto::data::DataType;
use ftp_proto::server::{
    Attempt, FileAction, FileError, FilesConfig, Request, Rights, StoreMode, TransferAction,
    Verdict, VirtualPath,
};
use ftp_proto::wire::{Code, Reply, Verb};
use ftp_tokio::ftp_files::{Files, Memory};
use ftp_tokio::{
    Client, Connector, Error, Handler, Server, SessionEvent, SessionInfo, TransferStart,
};

use crate::common::*;

/// `anna` may do everything, the others read. Nobody renames, and nobody stores `secret`.
#[derive(Default)]
struct House(Log);

impl Handler for House {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        let is_anna = attempt.username().as_bytes() == b"anna";
        let verdict = attempt.accept();
        if is_anna {
            verdict.rights(Rights::ALL)
        } else {
            verdict
        }
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn allow_operation(&self, _: &SessionInfo, operation: &FileAction) -> Result<(), FileError> {
        match operation {
            FileAction::Rename { .. } => Err(FileError::NotAllowed),
            _ => Ok(()),
        }
    }

    fn allow_transfer(
        &self,
        session: &SessionInfo,
        transfer: &TransferStart,
    ) -> Result<(), FileError> {
        assert!(session.username.is_some());
        match transfer.action.path().name() {
            Some(b"secret") => Err(FileError::Busy),
            _ => Ok(()),
        }
    }

    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        let name = session.username.as_ref();
        let name = || name.expect("logged in").to_string();
        match event {
            SessionEvent::TransferStarted(start) => {
                let (path, verb) = (start.action.path(), start.action.verb());
                self.0.say(format!(
                    "{} starts {verb} {path} {:?}",
                    name(),
                    start.data_type
                ));
            }
            SessionEvent::Transferred(end) => {
                let (path, verb) = (end.action.path(), end.action.verb());
                self.0.say(format!(
                    "{} ends {verb} {path} {} {:?}",
                    name(),
                    end.bytes,
                    end.outcome
                ));
            }
            SessionEvent::Closed(_) => self.0.say("closed"),
            _ => {}
        }
    }
}

/// A server that gives each user files of their own, those of the first login for all their sessions.
async fn house() -> (Running, Log, HashMap<&'static str, Memory>) {
    let files: HashMap<_, _> = ["anna", "bert"].map(|name| (name, Memory::new())).into();
    let config = plain_server().files(FilesConfig::new());
    let of_users = files.clone();
    let server = Server::new(Arc::new(config), None)
        .unwrap()
        .files_for(move |session| {
            let name = session.username.as_ref().expect("logged in").to_string();
            let files = of_users.get(name.as_str()).ok_or(io::ErrorKind::NotFound)?;
            Ok(Arc::new(files.clone()))
        });
    let handler = House::default();
    let log = handler.0.clone();
    (Running::start(server, handler).await, log, files)
}

async fn client(house: &Running, name: &str) -> Client {
    let login = Login::new(name, PASSWORD).unwrap();
    let connector = Connector::new(plain(login));
    connector.connect(&house.address.to_string()).await.unwrap()
}

async fn put(ftp: &mut Client, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut upload = ftp.store(name).await?;
    upload.write_all(bytes).await?;
    upload.finish().await.map(drop)
}

async fn got(ftp: &mut Client, name: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    ftp.retrieve(name).await?.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn code(error: &Error) -> Option<Code> {
    error.reply().map(Reply::code)
}

#[tokio::test]
async fn each_user_has_files_and_rights_of_their_own() {
    let (house, _, files) = house().await;
    let (mut anna, mut bert) = (client(&house, "anna").await, client(&house, "bert").await);
    put(&mut anna, "a", b"of anna").await.unwrap();
    assert_eq!(got(&mut anna, "a").await.unwrap(), b"of anna");
    assert!(got(&mut bert, "a").await.is_err(), "another's");
    assert!(put(&mut bert, "b", b"of bert").await.is_err(), "no right");
    let path = VirtualPath::root().resolve(b"b");
    let mut file = files["bert"].store(&path, StoreMode::Replace).unwrap();
    file.write_all(b"of bert").unwrap();
    file.commit().unwrap();
    assert_eq!(got(&mut bert, "b").await.unwrap(), b"of bert");
    // The files of the next user come with the next login.
    let again = client::Login::new("anna", PASSWORD).unwrap();
    bert.reinitialize(again).await.unwrap();
    assert_eq!(got(&mut bert, "a").await.unwrap(), b"of anna");
    assert!(got(&mut bert, "b").await.is_err(), "another's");
    house.stop().await;
}

#[tokio::test]
async fn a_user_without_files_is_refused_all_of_them_and_stays_logged_in() {
    let (house, log, _) = house().await;
    let mut carl = client(&house, "carl").await;
    let error = got(&mut carl, "a").await.unwrap_err();
    assert_eq!(code(&error), Some(Code::FILE_UNAVAILABLE));
    assert!(carl.size("a").await.is_err());
    assert!(carl.list_all("").await.is_err());
    carl.quit().await.unwrap();
    house.stop().await;
    assert!(log.contains("carl ends RETR /a 0 Err(Failed(NotFound))"));
}

#[tokio::test]
async fn the_handler_may_refuse_before_the_files_are_asked() {
    let (house, log, _) = house().await;
    let mut anna = client(&house, "anna").await;
    let error = put(&mut anna, "secret", b"x").await.unwrap_err();
    assert_eq!(code(&error), Some(Code::FILE_BUSY), "{error}");
    put(&mut anna, "a", b"x").await.unwrap();
    let error = anna.rename("a", "b").await.unwrap_err();
    assert_eq!(code(&error), Some(Code::FILE_UNAVAILABLE));
    assert_eq!(got(&mut anna, "a").await.unwrap(), b"x");
    assert!(!log.contains("secret"), "it never started");
    house.stop().await;
}

#[tokio::test]
async fn the_handler_sees_the_start_and_the_end_of_each_transfer() {
    let (house, log, _) = house().await;
    let mut anna = client(&house, "anna").await;
    put(&mut anna, "a", b"five!").await.unwrap();
    let mut more = anna.append("a").await.unwrap();
    more.write_all(b"more").await.unwrap();
    more.finish().await.unwrap();
    assert_eq!(got(&mut anna, "a").await.unwrap().len(), 9);
    assert!(got(&mut anna, "none").await.is_err());
    anna.names("").await.unwrap().collect().await.unwrap();
    let mut unique = anna.store_unique().await.unwrap();
    unique.write_all(b"one").await.unwrap();
    let name = unique.started().and_then(|started| started.stored_as());
    let name = String::from_utf8(name.unwrap()).unwrap();
    unique.finish().await.unwrap();
    let text = Transfer::store("text").unwrap().data_type(DataType::Ascii);
    let mut upload = anna.upload(text).await.unwrap();
    upload.write_all(b"line\n").await.unwrap();
    upload.finish().await.unwrap();
    let mut given_up = anna.store("given up").await.unwrap();
    given_up.write_all(b"x").await.unwrap();
    drop(given_up);
    anna.quit().await.unwrap();
    house.stop().await;
    let lines = log.lines();
    let of_given_up = lines.len() - 2;
    let stored = format!("anna ends STOU /{name} 3 Ok(())");
    let wanted = [
        "anna starts STOR /a Image",
        "anna ends STOR /a 5 Ok(())",
        "anna starts APPE /a Image",
        "anna ends APPE /a 4 Ok(())",
        "anna starts RETR /a Image",
        "anna ends RETR /a 9 Ok(())",
        "anna starts RETR /none Image",
        "anna ends RETR /none 0 Err(Failed(NotFound))",
        "anna starts NLST / Ascii",
        &format!("anna ends NLST / {} Ok(())", "a\r\n".len()),
        "anna starts STOU / Image",
        &stored,
        "anna starts STOR /text Ascii",
        "anna ends STOR /text 6 Ok(())",
        "anna starts STOR /given up Image",
    ];
    assert_eq!(lines[..of_given_up], wanted);
    let end = &lines[of_given_up];
    assert!(
        end.starts_with("anna ends STOR /given up") && end.contains("Err"),
        "{end}"
    );
    assert_eq!(lines.last().unwrap(), "closed");
}

#[test]
fn the_verb_of_an_action_is_that_of_its_command() {
    let path = VirtualPath::root();
    let modes = [
        (StoreMode::Replace, Verb::Stor),
        (StoreMode::New, Verb::Stor),
        (StoreMode::At(5), Verb::Stor),
        (StoreMode::Append, Verb::Appe),
        (StoreMode::Unique, Verb::Stou),
    ];
    for (mode, verb) in modes {
        let path = path.clone();
        assert_eq!(TransferAction::Store { path, mode }.verb(), verb);
    }
}
