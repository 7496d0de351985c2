use std::sync::Arc;

use ftp_proto::server::{
    Config, Connection, Event, FileAction, FilesConfig, Security, VirtualPath,
};
use ftp_proto::wire::{Code, Command, ReplyParser, Status, Verb, parse_path};
use ftp_proto::{Action, Instant, Lenience, Limits, Machine};

/// Paths of a client, one after the other, each resolved from the one before. They are the parts of the
/// input between its NULs.
///
/// * None leads above the root, and a stack of names leads to the same.
/// * A path is in its shortest form: resolved again, it is the same.
/// * Two paths one after the other are the two joined.
/// * `CWD` asks for the same directory, and `PWD` tells it so that a client finds it again.
pub fn virtual_path(data: &[u8]) {
    let mut server = Dialogue::logged_in();
    let mut path = VirtualPath::root();
    let mut stack: Vec<&[u8]> = Vec::new();
    for part in data.split(|byte| *byte == 0) {
        let before = path.clone();
        path = before.resolve(part);
        if part.starts_with(b"/") {
            stack.clear();
        }
        for name in part.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => drop(stack.pop()),
                name => stack.push(name),
            }
        }
        let components: Vec<&[u8]> = path.components().collect();
        assert_eq!(components, stack);
        assert_eq!(path.as_bytes(), shown(&stack));
        assert_eq!(VirtualPath::root().resolve(path.as_bytes()), path);
        assert_eq!(path.name(), stack.last().copied());
        assert_eq!(path.resolve(b".."), path.parent().unwrap_or_default());
        if !part.starts_with(b"/") {
            let joined = [before.as_bytes(), b"/", part].concat();
            assert_eq!(VirtualPath::root().resolve(&joined), path);
        }
        if server.enter(part, &path).is_none() {
            // It is not a path that can be sent, or too long: the server is where it was.
            path = before;
            break;
        }
    }
    server.tells(&path);
}

fn shown(stack: &[&[u8]]) -> Vec<u8> {
    if stack.is_empty() {
        return b"/".to_vec();
    }
    stack
        .iter()
        .flat_map(|name| [b"/", *name].concat())
        .collect()
}

/// A server with a user.
struct Dialogue(Connection);

impl Dialogue {
    fn logged_in() -> Self {
        let config = Config::new()
            .security(Security::DangerousPlaintext)
            .files(FilesConfig::new())
            .name_rule(|_| ftp_proto::server::NameRule::Open);
        let mut server = Self(Connection::new(Arc::new(config), Instant::START));
        let _greeting = server.run();
        let (_, _) = server.said(b"USER anna\r\n");
        server
    }

    /// Enters a directory; `None` if the server does not take it for a path.
    fn enter(&mut self, argument: &[u8], path: &VirtualPath) -> Option<()> {
        let command = Command::with_path(Verb::Cwd, argument).ok()?;
        let mut line = Vec::new();
        command.encode(&mut line);
        let (_, event) = self.said(&line);
        let Some(Event::Files(request)) = event else {
            return None;
        };
        assert_eq!(request.action(), &FileAction::ChangeDirectory(path.clone()));
        self.0
            .answer(Instant::START, request.done())
            .expect("it waits");
        let _done = self.run();
        Some(())
    }

    fn tells(&mut self, path: &VirtualPath) {
        let (reply, _) = self.said(b"PWD\r\n");
        let mut parser = ReplyParser::new(&Limits::default(), &Lenience::STRICT);
        let mut plain = Vec::new();
        let mut filter = ftp_proto::wire::TelnetFilter::new();
        filter.filter(&reply, |data| plain.extend_from_slice(data), |_| {});
        match parser.parse(&plain) {
            Ok(Status::Complete(reply, _)) if reply.code() == Code::PATH_CREATED => {
                assert_eq!(parse_path(reply).as_deref(), Some(path.as_bytes()));
            }
            other => panic!("{other:?}"),
        }
    }

    fn said(&mut self, line: &[u8]) -> (Vec<u8>, Option<Event>) {
        let mut rest = line;
        let mut all = (Vec::new(), None);
        while !rest.is_empty() {
            let taken = self.0.received(Instant::START, rest);
            rest = &rest[taken..];
            let (bytes, event) = self.run();
            all.0.extend(bytes);
            all.1 = all.1.or(event);
            if taken == 0 {
                break;
            }
        }
        all
    }

    /// What is sent, and the last question about files.
    fn run(&mut self) -> (Vec<u8>, Option<Event>) {
        let (mut sent, mut asked) = (Vec::new(), None);
        loop {
            match self.0.poll().expect("no fault") {
                Action::Write { bytes, .. } => {
                    sent.extend_from_slice(bytes);
                    let count = bytes.len();
                    self.0.wrote(Instant::START, count);
                }
                Action::Event(event @ Event::Files(_)) => asked = Some(event),
                Action::Event(_) => {}
                _ => return (sent, asked),
            }
        }
    }
}
